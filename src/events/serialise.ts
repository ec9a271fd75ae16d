import type { ConversationEvent } from './index.js';

/**
 * The one serialisation of an event: compact JSON without null fields, `kind` last. These bytes are the line
 * in the log, the frame on the socket and the item in a search answer. Nulls inside free-form values are
 * kept.
 */
export function serialiseEvent(event: ConversationEvent): string {
  const { id, timestamp, source, parent_id, kind, ...fields } = event;
  return JSON.stringify({ id, timestamp, source, parent_id, ...fields, kind });
}

/** Removes null and undefined fields at every depth of models; used where the wire leaves them out. */
export function withoutNulls(model: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(model)
      .filter(([, field]) => field !== null && field !== undefined)
      .map(([key, field]) => [key, inside(field)]),
  );
}

function inside(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inside);
  return value === null || typeof value !== 'object' ? value : withoutNulls(value);
}
