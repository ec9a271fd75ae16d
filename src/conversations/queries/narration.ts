import { plainText, type ActionEvent, type ConversationEvent, type ItemSignal } from '../../events/index.js';
import type { JsonObject } from '../../json/index.js';
import { structuredOutput } from './structured-output.js';

/** Whether a message is the final answer or commentary before it. */
export type Phase = 'commentary' | 'final_answer';

/** A part of the agent's output. The texts of a message are followed by its end. */
export type Piece =
  | { type: 'text'; text: string }
  /** `text` is the whole message. */
  | { type: 'end'; text: string; phase: Phase };

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
  private current: { id: string; sent: string; isOver: boolean } | undefined;
  /**
   * The streamed message of the `finish` tool. `held` is not emitted as long as it may repeat the text before
   * it.
   */
  private final: { attempt: number; sent: string; held: string; isOver: boolean } | undefined;
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
    const said = this.final?.sent ?? '';
    this.final = undefined;
    const message = event.action?.['message'];
    this.finalOutput = structuredOutput(event);
    if (typeof message !== 'string') {
      if (said === '') return this.end(thought, 'commentary');
      return this.emit({ type: 'end', text: said, phase: 'commentary' });
    }
    // Some models repeat their text as the message of `finish`.
    if (said === '' && thought.trim() === message.trim()) return this.end(message, 'final_answer');
    if (said === '') this.end(thought, 'commentary');
    this.end(message, 'final_answer', said);
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

  /**
   * A message is in the log: emits the part of it that was not streamed, and its end.
   * @param sent the text that was emitted of it
   */
  private end(text: string, phase: Phase, sent = this.current?.sent ?? ''): void {
    this.current = undefined;
    if (text.trim() === '' && sent === '') return;
    const missing = remainder(sent, text);
    if (missing !== '') this.emit({ type: 'text', text: missing });
    this.emit({ type: 'end', text: sent + missing, phase });
    if (phase === 'final_answer') this.finalAnswer = text;
  }

  private emit(piece: Piece): void {
    if (this.listener) this.listener(piece);
    else this.buffered.push(piece);
  }
}

/** The text to emit after `sent` so that all of `text` was emitted. */
function remainder(sent: string, text: string): string {
  if (text.startsWith(sent)) return text.slice(sent.length);
  return sent.trim() === text.trim() ? '' : RETRY_SEPARATOR + text;
}
