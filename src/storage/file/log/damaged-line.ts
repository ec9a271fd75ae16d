import type { EventIndexEntry } from '../../event-log.js';
import { stableUuid } from '../../../text/index.js';

/** A line that is not a valid event, or that repeats one: its number and position. */
interface DamagedLine {
  conversationId: string;
  seq: number;
  start: number;
  end: number;
  /**
   * The timestamp of the event before it, so that searches by time stay in order; empty for the first line.
   */
  timestamp: string;
  /** The seq of the event that it repeats. */
  repeats?: number;
}

/**
 * Creates the error event that is served in the place of a damaged line. The seq of later events must not
 * change, and an answer that is built from raw lines must stay valid JSON.
 */
export function createPlaceholder({
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
      : `Event ${seq} is skipped: ${what} repeat event ${repeats}`;
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
