import type { ConversationStateUpdateEvent } from '../events/index.js';
import type { IncomingMessage } from './start-request.js';

/** One open conversation: the only writer of its log. */
export interface Conversation {
  /** Dashed UUID. */
  readonly id: string;
  /** How many events of the log are durable and published: the next live event has this seq. */
  readonly length: number;
  /** Lines of durable events. */
  readLines(fromSeq: number, limit: number): Promise<string[]>;
  /** The timestamp of a durable event (naive local time). */
  timestampOf(seq: number): string;
  /** A snapshot of the state as a transient event (`key: full_state`), made at once: waits for nothing. */
  fullState(): ConversationStateUpdateEvent;
  /** Appends a message; with `run` also starts (or continues) a run. Resolves when the message is durable. */
  sendMessage(message: IncomingMessage, run: boolean): Promise<void>;
}
