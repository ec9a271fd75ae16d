import { plainText, type ActionEvent, type ConversationEvent, type ItemSignal } from '../../events/index.js';

/** The final answer, or what the agent says on the way to it. */
export type Phase = 'commentary' | 'final_answer';

/** A piece of what an agent says, in order. Each message has its pieces first and its end behind them. */
export type Piece =
  | { type: 'text'; text: string }
  /** `text` is what its pieces make together. */
  | { type: 'end'; text: string; phase: Phase };

/** Between what was said before the model failed and what it says instead. */
const ANEW = '\n\n';
/** The tool whose message is the final response. */
const FINISH = 'finish';

type FinalDelta = Extract<ItemSignal['signal'], { type: 'final_delta' }>;

/**
 * What an agent says in one run: made of the pieces that come from the model while it writes, and of the
 * events, which have the last word. A text that nobody streamed comes with its event.
 */
export class Narration {
  /** The item of the model's answer that is being written, and what was passed on of it. */
  private current: { id: string; sent: string; isOver: boolean } | undefined;
  /**
   * The message that it gives to its `finish` tool meanwhile; what is held may be what it has said already.
   */
  private final: { attempt: number; sent: string; held: string; isOver: boolean } | undefined;
  /** The item whose words were ended before its event came. */
  private ended: string | undefined;
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
    if (signal.type === 'final_delta') return this.onFinal(signal);
    if (signal.type === 'item_aborted') {
      // What was said cannot be taken back: the next attempt waits for its event.
      if (this.current?.id === signal.item_id) this.current.isOver = true;
      return;
    }
    // What was held back of words that are ended, because it could have been a secret, is in the event.
    if (signal.kind !== 'text' || signal.item_id === this.ended) return;
    if (this.current?.id !== signal.item_id) this.current = { id: signal.item_id, sent: '', isOver: false };
    if (this.current.isOver) return;
    this.current.sent += signal.content;
    this.pass({ type: 'text', text: signal.content });
  }

  onEvent(event: ConversationEvent): void {
    if (event.kind === 'ConversationErrorEvent') this.problem = `${event.code}: ${event.detail}`;
    if (event.kind === 'MessageEvent' && event.source === 'agent') {
      this.endFinal();
      this.end(plainText(event.llm_message.content), 'final_answer');
    }
    if (event.kind === 'ActionEvent') this.onAction(event);
  }

  private onAction(event: ActionEvent): void {
    const thought = event.id === this.ended ? '' : plainText(event.thought);
    if (event.tool_name !== FINISH) {
      // It was tried again, and does not finish any more.
      if (thought !== '') this.endFinal();
      return this.end(thought, 'commentary');
    }
    const said = this.final?.sent ?? '';
    this.final = undefined;
    const message = event.action?.['message'];
    if (typeof message !== 'string') {
      if (said === '') return this.end(thought, 'commentary');
      return this.pass({ type: 'end', text: said, phase: 'commentary' });
    }
    // Some models say everything first and then finish with the same words.
    if (said === '' && thought.trim() === message.trim()) return this.end(message, 'final_answer');
    if (said === '') this.end(thought, 'commentary');
    this.end(message, 'final_answer', said);
  }

  /** The run is over: what was begun is no message any more, but it was said. */
  close(): void {
    this.endWords();
    this.endFinal();
  }

  /** What was begun as the final response is none. */
  private endFinal(): void {
    const said = this.final?.sent ?? '';
    this.final = undefined;
    if (said !== '') this.pass({ type: 'end', text: said, phase: 'commentary' });
  }

  private onFinal({ item_id: id, attempt, content }: FinalDelta): void {
    this.final ??= { attempt, sent: '', held: '', isOver: false };
    const { final } = this;
    if (final.attempt !== attempt) {
      // What was said cannot be taken back: the next attempt waits for its event.
      final.isOver ||= final.sent !== '';
      final.attempt = attempt;
      final.held = '';
    }
    if (final.isOver || this.current?.isOver) return;
    final.held += content;
    const isSaid = this.current?.id === id && this.current.sent.trim().startsWith(final.held.trim());
    if (final.sent === '' && isSaid) return;
    if (final.sent === '') this.endWords(id);
    this.pass({ type: 'text', text: final.held });
    final.sent += final.held;
    final.held = '';
  }

  /** What the model has said so far is a message. @param id of the item that goes on without words */
  private endWords(id?: string): void {
    const sent = this.current?.sent ?? '';
    if (sent === '') return;
    this.pass({ type: 'end', text: sent, phase: 'commentary' });
    this.current = undefined;
    this.ended = id;
  }

  /**
   * A message is in the log: what is missing of it is passed on.
   * @param sent what was passed on of it
   */
  private end(text: string, phase: Phase, sent = this.current?.sent ?? ''): void {
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
