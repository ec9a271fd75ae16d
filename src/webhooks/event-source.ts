/**
 * Reads the log of a conversation for delivery. Until `release` this server is its writer, and nobody else
 * delivers.
 */
export interface BorrowedLog {
  /** Durable events. */
  readonly length: number;
  read(fromSeq: number, limit: number): Promise<string[]>;
  release(): void;
}

/** The conversation is gone, or another server delivers it. */
export type Unavailable = 'gone' | 'elsewhere';

/** Gives access to logs. */
export abstract class EventSource {
  abstract borrow(conversationId: string): Promise<BorrowedLog | Unavailable>;
}
