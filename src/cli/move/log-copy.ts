import { createHash } from 'node:crypto';
import { tryParseJson, asJsonObject } from '../../json/index.js';
import {
  DamagedConversationError,
  type EventIndexEntry,
  type EventLog,
  type LeaseFence,
  type LogReader,
} from '../../storage/index.js';

/** How much is read and written at a time. */
const CHUNK_EVENTS = 1000;
const CHUNK_BYTES = 4 * 1024 * 1024;

/** Called with the size of each part that was read or written. */
export type OnEvents = (events: number, bytes: number) => void;

/** The SHA-256 of the first `length` lines of a log, each with a newline. */
export async function digestOf(log: LogReader, length: number, onEvents?: OnEvents): Promise<string> {
  const hash = createHash('sha256');
  for (let seq = 0; seq < length;) {
    const lines = await log.readBytes(seq, Math.min(CHUNK_EVENTS, length - seq), CHUNK_BYTES);
    if (lines.length === 0) break;
    let bytes = 0;
    for (const line of lines) {
      hash.update(line).update('\n');
      bytes += line.length + 1;
    }
    seq += lines.length;
    onEvents?.(lines.length, bytes);
  }
  return hash.digest('hex');
}

/** Appends to `to` what `from` has behind its end. */
export async function appendRest(
  from: LogReader,
  to: EventLog,
  fence: LeaseFence,
  onEvents: OnEvents,
): Promise<void> {
  for (let seq = to.length; seq < from.length;) {
    const lines = await from.readBytes(seq, CHUNK_EVENTS, CHUNK_BYTES);
    const entries = await from.entries(seq, lines.length);
    const records = lines.map((bytes, index) => ({
      ...entryAt(entries, index),
      line: bytes.toString(),
      bytes,
    }));
    if (records.length === 0) throw new Error(`event ${seq} is missing`);
    await to.append(seq, fence, records);
    seq += records.length;
    onEvents(
      records.length,
      lines.reduce((sum, line) => sum + line.length + 1, 0),
    );
  }
}

/**
 * Makes sure that no event of a log is damaged.
 * @throws DamagedConversationError with the numbers of the first ones
 */
export async function assertUndamaged(id: string, log: LogReader): Promise<void> {
  const range = { from: 0, descending: false, length: log.length, limit: log.length };
  const errors = await log.select({ kind: 'ConversationErrorEvent' }, range);
  const damaged: number[] = [];
  for (const seq of errors) {
    const [line = ''] = await log.read(seq, 1);
    if (asJsonObject(tryParseJson(line))['code'] === 'DamagedEvent') damaged.push(seq);
  }
  if (damaged.length === 0) return;
  const shown = damaged.slice(0, 5).join(', ') + (damaged.length > 5 ? ', ...' : '');
  throw new DamagedConversationError(id, `${damaged.length} of its events cannot be read (${shown})`);
}

function entryAt(entries: readonly EventIndexEntry[], index: number): EventIndexEntry {
  const entry = entries[index];
  if (!entry) throw new Error('the index of the log is shorter than the log');
  const { id, kind, source, timestamp } = entry;
  return { id, kind, source, timestamp };
}
