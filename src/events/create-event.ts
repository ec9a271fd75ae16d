import { randomUUID } from 'node:crypto';
import { eventTimestamp } from './clock.js';
import type { EventBase } from './model/event-base.js';
import type { DurableEvent, TransientEvent } from './model/event.js';

/** An event before it has an identity, a time and a place in the tree. */
type DraftOf<E> = E extends EventBase ? Omit<E, 'id' | 'timestamp' | 'parent_id'> & { id?: string } : never;

/** An event on its way into a log. */
export type EventDraft = DraftOf<DurableEvent>;

/** An event that is only going to be sent. */
export type TransientDraft = DraftOf<TransientEvent>;

/**
 * Gives a draft its id and timestamp. The parent is set by the conversation when it is appended.
 * @param after the timestamp before it in its log
 */
export function createEvent<D extends EventDraft | TransientDraft>(
  draft: D,
  after?: string,
): D & { id: string; timestamp: string } {
  return { ...draft, id: draft.id ?? randomUUID(), timestamp: eventTimestamp(after) };
}
