import { randomUUID } from 'node:crypto';
import { eventTimestamp } from './clock.js';
import type { EventBase } from './event-base.js';
import type { ConversationEvent } from './index.js';

/** Every kind of event without what `createEvent` fills in. */
export type EventDraft = ConversationEvent extends infer E
  ? E extends EventBase
    ? Omit<E, 'id' | 'timestamp' | 'parent_id'> & { id?: string }
    : never
  : never;

/** Gives a draft its id and timestamp. The parent is set by the conversation when it is appended. */
export function createEvent<D extends EventDraft>(draft: D): D & { id: string; timestamp: string } {
  const { id, ...rest } = draft;
  // Identity before everything else: the key order is part of what clients see.
  return { id: id ?? randomUUID(), timestamp: eventTimestamp(), ...rest } as D & { id: string; timestamp: string };
}
