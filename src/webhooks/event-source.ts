/**
 * An opened log of a conversation. Until `release`, this server is its only writer and the only one to
 * deliver.
 */
export interface BorrowedLog {
  /** Number of durable events. */
  readonly length: number;
  /** The number of an event; undefined if the log does not have it. */
  seqOf(eventId: string): Promise<number | undefined>;
  read(fromSeq: number, limit: number): Promise<string[]>;
  release(): void;
}

/** The conversation was deleted, or another server owns it. */
export type Unavailable = 'gone' | 'elsewhere';

/** Opens logs for delivery. */
export abstract class EventSource {
  abstract borrow(conversationId: string): Promise<BorrowedLog | Unavailable>;
  /** As `seqOf` of the log, of a conversation that another server owns. */
  abstract seqOf(conversationId: string, eventId: string): Promise<number | undefined>;
}
