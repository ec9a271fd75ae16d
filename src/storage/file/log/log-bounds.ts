import { DamagedConversationError } from '../../storage-errors.js';

/** How much of a log is read that somebody else writes. */
export interface LogBounds {
  bytes: number;
  events: number;
  /** Lines that take more memory than others: damaged ones, repeated ones, those in another form. */
  unusual: number;
}

/**
 * Bounds of the log of a conversation in a container, whose agent may write it. What else lies beside it (a
 * saved index) is not read: an index of another's making could name any offset, or never end a search.
 */
export const FOREIGN_LOG: LogBounds = { bytes: 4 * 1024 ** 3, events: 1_000_000, unusual: 10_000 };

/** @throws DamagedConversationError for a log beyond a bound */
export function assertWithin(bounds: LogBounds, found: LogBounds, conversationId: string): void {
  for (const name of ['bytes', 'events', 'unusual'] as const) {
    if (found[name] <= bounds[name]) continue;
    const what = name === 'unusual' ? 'lines that are no events' : name;
    throw new DamagedConversationError(conversationId, `its log has more than ${bounds[name]} ${what}`);
  }
}
