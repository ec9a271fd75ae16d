import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { EntryFilter, LogRange, LogReader, LogRecord } from '../../src/storage/index.js';

const KINDS = ['MessageEvent', 'ActionEvent', 'ObservationEvent', 'ConversationStateUpdateEvent'];
const SOURCES = ['agent', 'user', 'environment'];

/** The timestamp of an event: several events have the same one. */
export function timestampOf(number: number): string {
  return new Date(Date.UTC(2026, 0, 1) + Math.floor(number / 3) * 7).toISOString().replace('Z', '000');
}

/** An event of the given number in its log, whose fields follow from the number. */
export function numbered(number: number, content = `event ${number}`): LogRecord {
  const head = {
    id: randomUUID(),
    timestamp: timestampOf(number),
    source: SOURCES[number % SOURCES.length] ?? '',
  };
  const kind = KINDS[(number * 7) % KINDS.length] ?? '';
  return { ...head, kind, line: JSON.stringify({ ...head, content, kind }) };
}

/** Events with consecutive numbers. */
export function numberedFrom(first: number, count: number): LogRecord[] {
  return Array.from({ length: count }, (_, index) => numbered(first + index));
}

/** What a log has to do, in memory. */
export class LogModel {
  readonly records: LogRecord[] = [];

  get length(): number {
    return this.records.length;
  }

  lines(from = 0, limit = Infinity): string[] {
    return this.records.slice(from, from + limit).map(({ line }) => line);
  }

  select(filter: EntryFilter, { from, descending, length, limit }: LogRange): number[] {
    const seqs = this.records
      .slice(0, length)
      .flatMap((record, seq) => (matches(record, filter) ? [seq] : []));
    const found = descending
      ? seqs.filter((seq) => seq <= from).reverse()
      : seqs.filter((seq) => seq >= from);
    return found.slice(0, limit);
  }

  count(filter: EntryFilter, length: number): number {
    return this.records.slice(0, length).filter((record) => matches(record, filter)).length;
  }
}

/** Expects that a log, or another server's reader of it, shows what the model contains. */
export async function expectSame(log: LogReader, model: LogModel): Promise<void> {
  expect(log.length).toBe(model.length);
  expect(log.lastTimestamp).toBe(model.records.at(-1)?.timestamp ?? '');
  expect(await log.read(0, model.length + 10)).toEqual(model.lines());
  const searchable = model.records.map(({ id, kind, source, timestamp }) => ({
    id,
    kind,
    source,
    timestamp,
  }));
  expect(fields(await log.entries(0, model.length + 10))).toEqual(searchable);
  expect(await log.seqsOf(model.records.map(({ id }) => id))).toEqual(model.records.map((_, seq) => seq));
}

/** The searchable fields without others that a driver may add. */
export function fields(entries: readonly { id: string; kind: string; source: string; timestamp: string }[]) {
  return entries.map(({ id, kind, source, timestamp }) => ({ id, kind, source, timestamp }));
}

/** Any filter, mostly of values that occur. */
export const anyFilter: fc.Arbitrary<EntryFilter> = fc.record(
  {
    kind: fc.constantFrom(...KINDS, 'PauseEvent'),
    notKind: fc.constantFrom(...KINDS),
    source: fc.constantFrom(...SOURCES),
    timestampGte: fc.nat(60).map(timestampOf),
    timestampLt: fc.nat(60).map(timestampOf),
  },
  { requiredKeys: [] },
);

function matches(record: LogRecord, filter: EntryFilter): boolean {
  return (
    (filter.kind === undefined || record.kind === filter.kind) &&
    (filter.notKind === undefined || record.kind !== filter.notKind) &&
    (filter.source === undefined || record.source === filter.source) &&
    (filter.timestampGte === undefined || record.timestamp >= filter.timestampGte) &&
    (filter.timestampLt === undefined || record.timestamp < filter.timestampLt)
  );
}
