import { plainText, type ConversationEvent, type ItemSignal } from '../events/index.js';

/** The final answer, or what the agent says on the way to it. */
export type Phase = 'commentary' | 'final_answer';

/** A piece of what an agent says, in order. Each message has its pieces first and its end behind them. */
export type Piece =
  | { type: 'text'; text: string }
  /** `text` is what its pieces make together. */
  | { type: 'end'; text: string; phase: Phase };

/** Between what was said before the model failed and what it says instead. */
const ANEW = '\n\n';

/**
 * What an agent says in one run: made of the pieces that come from the model while it writes, and of the events, which
 * have the last word. A text that nobody streamed comes with its event.
 */
export class Narration {
  /** The item of the model's answer that is being written, and what was passed on of it. */
  private current: { id: string; sent: string; isOver: boolean } | undefined;
  private waiting: Piece[] = [];
  private listener: ((piece: Piece) => void) | undefined;
  private said = '';
  private problem: string | undefined;

  /** Tells what is said from the beginning on, what was said already first. */
  listen(listener: (piece: Piece) => void): void {
    for (const piece of this.waiting) listener(piece);
    this.waiting = [];
    this.listener = listener;
  }

  /** The final answer so far; empty while there is none. */
  get answer(): string {
    return this.said;
  }

  /** Why the run failed, if it said so. */
  get failure(): string | undefined {
    return this.problem;
  }

  onItem({ signal }: ItemSignal): void {
    if (signal.type === 'item_started') return;
    if (signal.type === 'item_aborted') {
      // What was said cannot be taken back: the next attempt waits for its event.
      if (this.current?.id === signal.item_id) this.current.isOver = true;
      return;
    }
    if (signal.kind !== 'text') return;
    if (this.current?.id !== signal.item_id) this.current = { id: signal.item_id, sent: '', isOver: false };
    if (this.current.isOver) return;
    this.current.sent += signal.content;
    this.pass({ type: 'text', text: signal.content });
  }

  onEvent(event: ConversationEvent): void {
    if (event.kind === 'ConversationErrorEvent') this.problem = `${event.code}: ${event.detail}`;
    if (event.kind === 'MessageEvent' && event.source === 'agent')
      this.end(plainText(event.llm_message.content), 'final_answer');
    if (event.kind !== 'ActionEvent') return;
    const thought = plainText(event.thought);
    const message = event.tool_name === 'finish' ? event.action?.['message'] : undefined;
    if (typeof message !== 'string') return this.end(thought, 'commentary');
    // Some models say everything first and then finish with the same words.
    if (thought.trim() === message.trim()) return this.end(message, 'final_answer');
    this.end(thought, 'commentary');
    this.end(message, 'final_answer');
  }

  /** The run is over: what was begun is no message any more, but it was said. */
  close(): void {
    const sent = this.current?.sent ?? '';
    if (sent !== '') this.pass({ type: 'end', text: sent, phase: 'commentary' });
    this.current = undefined;
  }

  /** A message is in the log: what is missing of it is passed on. */
  private end(text: string, phase: Phase): void {
    const sent = this.current?.sent ?? '';
    this.current = undefined;
    if (text.trim() === '' && sent === '') return;
    const missing = rest(sent, text);
    if (missing !== '') this.pass({ type: 'text', text: missing });
    this.pass({ type: 'end', text: sent + missing, phase });
    if (phase === 'final_answer') this.said = text;
  }

  private pass(piece: Piece): void {
    if (this.listener) this.listener(piece);
    else this.waiting.push(piece);
  }
}

/** What has to follow what was sent, so that the whole text has been said. */
function rest(sent: string, text: string): string {
  if (text.startsWith(sent)) return text.slice(sent.length);
  return sent.trim() === text.trim() ? '' : ANEW + text;
}
