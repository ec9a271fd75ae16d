import { randomUUID } from 'node:crypto';
import { eventTimestamp } from './clock.js';
import type { EventBase } from './model/event-base.js';
import type { DurableEvent, TransientEvent } from './model/event.js';

/** An event without id, timestamp and parent. */
type DraftOf<E> = E extends EventBase ? Omit<E, 'id' | 'timestamp' | 'parent_id'> & { id?: string } : never;

/** An event that is about to be appended to a log. */
export type EventDraft = DraftOf<DurableEvent>;

/** An event that is sent but not stored. */
type TransientDraft = DraftOf<TransientEvent>;

/**
 * Adds id and timestamp. The conversation sets the parent when it appends the event.
 * @param after timestamp of the previous event in the log
 */
export function createEvent<D extends EventDraft | TransientDraft>(
  draft: D,
  after?: string,
): D & { id: string; timestamp: string } {
  return { ...draft, id: draft.id ?? randomUUID(), timestamp: eventTimestamp(after) };
}

/** The draft of a change of one field of a conversation's state. */
export function stateUpdate(key: string, value: unknown): EventDraft {
  return { source: 'environment', key, value, kind: 'ConversationStateUpdateEvent' };
}
