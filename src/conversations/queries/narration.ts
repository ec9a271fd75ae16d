import { plainText, type ActionEvent, type ConversationEvent, type ItemSignal } from '../../events/index.js';
import type { JsonObject } from '../../json/index.js';
import { structuredOutput } from './structured-output.js';

/** Whether a message is the final answer or commentary before it. */
export type Phase = 'commentary' | 'final_answer';

/** A part of the agent's output. The texts of a message are followed by its end. */
export type Piece =
  | { type: 'text'; text: string }
  /** `text` is the whole message, also for whoever has heard only its end. */
  | { type: 'end'; text: string; phase: Phase };

/** The text that was emitted of an item; it is over when its attempt has failed. */
interface Streamed {
  sent: string;
  isOver: boolean;
}

/** Separates the text of a failed attempt from its replacement. */
const RETRY_SEPARATOR = '\n\n';
/** The tool whose message is the final answer. */
const FINISH = 'finish';

type FinalDelta = Extract<ItemSignal['signal'], { type: 'final_delta' }>;

/**
 * The output of an agent in one run. Combines the deltas that the model streams with the events, which are
 * authoritative. Text that was not streamed comes from the event.
 */
export class Narration {
  /** The item that the model is streaming, and the text that was emitted of it. */
  private current: (Streamed & { id: string }) | undefined;
  /**
   * The streamed message of the `finish` tool. `held` is not emitted as long as it may repeat the text before
   * it.
   */
  private final: (Streamed & { attempt: number; held: string }) | undefined;
  /** The item whose text was ended before its event arrived. */
  private ended: string | undefined;
  private buffered: Piece[] = [];
  private listener: ((piece: Piece) => void) | undefined;
  private finalAnswer = '';
  private error: string | undefined;
  private finalOutput: JsonObject | undefined;

  /** Calls `listener` for all pieces from the start, beginning with those emitted before. */
  listen(listener: (piece: Piece) => void): void {
    for (const piece of this.buffered) listener(piece);
    this.buffered = [];
    this.listener = listener;
  }

  /** The final answer; empty while there is none. */
  get answer(): string {
    return this.finalAnswer;
  }

  /** The structured output of the final answer, if it has one. */
  get structured(): JsonObject | undefined {
    return this.finalOutput;
  }

  /** The error of the run, if it recorded one. */
  get failure(): string | undefined {
    return this.error;
  }

  onItem({ signal }: ItemSignal): void {
    if (signal.type === 'item_started') return;
    if (signal.type === 'final_delta') return this.onFinal(signal);
    if (signal.type === 'item_aborted') {
      // Emitted text cannot be retracted: the text of the next attempt comes with its event.
      if (this.current?.id === signal.item_id) this.current.isOver = true;
      return;
    }
    // Ignores late deltas (held back by the masking of secrets) of a text that has ended: the event contains
    // them.
    if (signal.kind !== 'text' || signal.item_id === this.ended) return;
    if (this.current?.id !== signal.item_id) this.current = { id: signal.item_id, sent: '', isOver: false };
    if (this.current.isOver) return;
    this.current.sent += signal.content;
    this.emit({ type: 'text', text: signal.content });
  }

  onEvent(event: ConversationEvent): void {
    if (event.kind === 'ConversationErrorEvent') this.error = `${event.code}: ${event.detail}`;
    if (event.kind === 'MessageEvent' && event.source === 'agent') {
      this.endFinal();
      this.end(plainText(event.llm_message.content), 'final_answer');
    }
    if (event.kind === 'ActionEvent') this.onAction(event);
  }

  private onAction(event: ActionEvent): void {
    const thought = event.id === this.ended ? '' : plainText(event.thought);
    if (event.tool_name !== FINISH) {
      // The model was asked again and does not finish any more.
      if (thought !== '') this.endFinal();
      return this.end(thought, 'commentary');
    }
    const { final } = this;
    const said = final?.sent ?? '';
    this.final = undefined;
    const message = event.action?.['message'];
    this.finalOutput = structuredOutput(event);
    if (typeof message !== 'string') {
      if (said === '') return this.end(thought, 'commentary');
      return this.emit({ type: 'end', text: said, phase: 'commentary' });
    }
    // Some models repeat their text as the message of `finish`; ACP agents stream that message as text.
    const isText = thought === '' && this.isStreamed(event.id, message);
    const isSaid = isText || thought.trim() === message.trim();
    if (said === '' && isSaid) return this.end(message, 'final_answer');
    if (said === '') this.end(thought, 'commentary');
    this.end(message, 'final_answer', said === '' ? undefined : final);
  }

  /** Ends the messages that were streamed partly, because the run has ended. */
  close(): void {
    this.endText();
    this.endFinal();
  }

  /** Ends a streamed `finish` message that is not the final answer. */
  private endFinal(): void {
    const said = this.final?.sent ?? '';
    this.final = undefined;
    if (said !== '') this.emit({ type: 'end', text: said, phase: 'commentary' });
  }

  private onFinal({ item_id: id, attempt, content }: FinalDelta): void {
    this.final ??= { attempt, sent: '', held: '', isOver: false };
    const { final } = this;
    if (final.attempt !== attempt) {
      // Emitted text cannot be retracted: the text of the next attempt comes with its event.
      final.isOver ||= final.sent !== '';
      final.attempt = attempt;
      final.held = '';
    }
    if (final.isOver || this.current?.isOver) return;
    final.held += content;
    const isSaid = this.current?.id === id && this.current.sent.trim().startsWith(final.held.trim());
    if (final.sent === '' && isSaid) return;
    if (final.sent === '') this.endText(id);
    this.emit({ type: 'text', text: final.held });
    final.sent += final.held;
    final.held = '';
  }

  /** Ends the streamed text as a message. @param id the item, if it continues with a tool call */
  private endText(id?: string): void {
    const sent = this.current?.sent ?? '';
    if (sent === '') return;
    this.emit({ type: 'end', text: sent, phase: 'commentary' });
    this.current = undefined;
    this.ended = id;
  }

  /** Whether a text, or its beginning or end, was streamed as that of an item. */
  private isStreamed(id: string, text: string): boolean {
    const { current } = this;
    if (current?.id !== id || current.isOver) return false;
    return text.startsWith(current.sent) || isEnd(current, text);
  }

  /**
   * A message is in the log: emits the part of it that was not streamed, and its end.
   * @param streamed what was emitted of it
   */
  private end(text: string, phase: Phase, streamed: Streamed | undefined = this.current): void {
    const sent = streamed?.sent ?? '';
    this.current = undefined;
    if (text.trim() === '' && sent === '') return;
    if (phase === 'final_answer') this.finalAnswer = text;
    if (streamed && isEnd(streamed, text)) return this.emit({ type: 'end', text, phase });
    const missing = remainder(sent, text);
    if (missing !== '') this.emit({ type: 'text', text: missing });
    this.emit({ type: 'end', text: sent + missing, phase });
  }

  private emit(piece: Piece): void {
    if (this.listener) this.listener(piece);
    else this.buffered.push(piece);
  }
}

/** Whether only the end of a text was streamed: to somebody who began to listen in the middle of it. */
function isEnd({ sent, isOver }: Streamed, text: string): boolean {
  const end = sent.trimEnd();
  return !isOver && end !== '' && !text.startsWith(sent) && text.trimEnd().endsWith(end);
}

/** The text to emit after `sent` so that all of `text` was emitted. */
function remainder(sent: string, text: string): string {
  if (text.startsWith(sent)) return text.slice(sent.length);
  return sent.trim() === text.trim() ? '' : RETRY_SEPARATOR + text;
}
