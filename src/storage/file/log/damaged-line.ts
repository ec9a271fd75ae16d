import { createHash } from 'node:crypto';
import type { EventIndexEntry } from '../../event-log.js';

/** A line that is no event, or one that is there already: which one, and where its bytes are. */
export interface DamagedLine {
  conversationId: string;
  seq: number;
  start: number;
  end: number;
  /** Of the event before it, so that searches by time stay in order; empty for the first. */
  timestamp: string;
  /** The number of the event that it repeats. */
  repeats?: number;
}

/**
 * What is served for a line that damage has made unreadable: an error event that says so. Numbers of later
 * events must not change, and an answer built from raw lines must stay JSON.
 */
export function standIn({
  conversationId,
  seq,
  start,
  end,
  timestamp,
  repeats,
}: DamagedLine): EventIndexEntry & { line: string } {
  const id = stableUuid(`${conversationId}:${seq}`);
  const source = 'environment';
  const kind = 'ConversationErrorEvent';
  const what = `the ${end - start} bytes at offset ${start} of the log`;
  const detail =
    repeats === undefined
      ? `Event ${seq} cannot be read: ${what} are damaged`
      : `Event ${seq} is left out: ${what} repeat event ${repeats}`;
  const line = JSON.stringify({
    id,
    timestamp: timestamp === '' ? '1970-01-01T00:00:00.000000' : timestamp,
    source,
    code: 'DamagedEvent',
    detail,
    classification: { kind: 'internal', retryable: false, user_action: 'none' },
    kind,
  });
  return { id, timestamp, source, kind, line };
}

/**
 * The same id at each start: clients remember events by it. Version 8 of RFC 9562 is the one for such ids.
 */
function stableUuid(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
