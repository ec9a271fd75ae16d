import {
  LogReader,
  type EntryFilter,
  type EventIndexEntry,
  type LogRange,
  type LogRecord,
} from '../../event-log.js';
import { DamagedConversationError } from '../../storage-errors.js';
import type { Database } from '../database/index.js';
import { arrayText } from './append-statement.js';
import type { EntryCache, KnownEntry } from './entry-cache.js';
import {
  countStatement,
  ENTRY_COLUMNS,
  TIME_POSITIONS,
  selectStatement,
  spanOf,
  type TimePosition,
  type Span,
} from './select-statement.js';

/** What a log is opened with. */
export interface LogStart {
  length: number;
  /** The last event's; empty for an empty log. */
  timestamp: string;
  /** The highest timestamp. */
  high: string;
}

/** Most entries that are kept of one search; more are not a page. */
const MAX_KEPT = 500;
const COMMA = Buffer.from(',');

const READ =
  'SELECT e.seq, e.line FROM event e WHERE e.conversation = $1 AND e.seq >= $2 AND e.seq < $3 ORDER BY e.seq';
const READ_BYTES = `
  SELECT seq, line FROM (
    SELECT e.seq, e.line, sum(octet_length(e.line) + 1) OVER (ORDER BY e.seq) AS total FROM event e
    WHERE e.conversation = $1 AND e.seq >= $2 AND e.seq < $3
  ) e
  WHERE total <= $4 OR seq = $2
  ORDER BY seq`;
const READ_MANY =
  'SELECT e.seq, e.line FROM event e WHERE e.conversation = $1 AND e.seq = ANY ($2::bigint[])';
const ENTRIES = `
  SELECT ${ENTRY_COLUMNS} FROM event e WHERE e.conversation = $1 AND e.seq >= $2 AND e.seq < $3 ORDER BY e.seq`;
const ENTRIES_OF = `SELECT ${ENTRY_COLUMNS} FROM event e WHERE e.conversation = $1 AND e.seq = ANY ($2::bigint[])`;
const SEQS_OF = `
  SELECT e.seq, e.id FROM event e WHERE e.conversation = $1 AND e.id = ANY (string_to_array($2, E'\\n')) AND e.seq < $3`;

interface Line {
  seq: number;
  line: string;
}

/** Reads the log of one conversation from the database: the events that were there when it was opened. */
export class PostgresLogReader extends LogReader {
  constructor(
    readonly conversationId: string,
    protected readonly start: LogStart,
    private readonly database: Database,
    private readonly cache: EntryCache,
  ) {
    super();
  }

  override get length(): number {
    return this.start.length;
  }

  override get lastTimestamp(): string {
    return this.start.timestamp;
  }

  override async read(fromSeq: number, limit: number): Promise<string[]> {
    const { from, to } = this.span(fromSeq, limit);
    if (to <= from) return [];
    const { rows } = await this.database.read<Line>(READ, [this.conversationId, from, to]);
    return this.inOrder(rows, range(from, to));
  }

  override async readBytes(fromSeq: number, limit: number, bytes: number): Promise<Buffer[]> {
    const { from, to } = this.span(fromSeq, limit);
    if (to <= from) return [];
    const { rows } = await this.database.read<Line>(READ_BYTES, [this.conversationId, from, to, bytes]);
    if (rows.length === 0) throw this.missing(from);
    return this.inOrder(rows, range(from, from + rows.length)).map((line) => Buffer.from(line));
  }

  override async readMany(seqs: readonly number[]): Promise<string[]> {
    if (seqs.length === 0) return [];
    const [first = 0] = seqs;
    if (seqs.every((seq, index) => seq === first + index)) return this.read(first, seqs.length);
    const { rows } = await this.database.read<Line>(READ_MANY, [this.conversationId, arrayText(seqs)]);
    return this.inOrder(rows, seqs);
  }

  override async readItems(seqs: readonly number[]): Promise<Buffer> {
    const lines = await this.readMany(seqs);
    return lines.length === 1 ? Buffer.from(lines[0] ?? '') : joinLines(lines);
  }

  override async splitByBytes(seqs: readonly number[], bytes: number): Promise<number[][]> {
    const sizes = await this.entriesOf(seqs);
    const parts: number[][] = [];
    let size = 0;
    for (const seq of seqs) {
      const length = (sizes.get(seq)?.bytes ?? 0) + 1;
      const part = parts.at(-1);
      if (part !== undefined && size + length <= bytes) {
        part.push(seq);
        size += length;
      } else {
        parts.push([seq]);
        size = length;
      }
    }
    return parts;
  }

  override async entries(fromSeq: number, limit: number): Promise<EventIndexEntry[]> {
    const { from, to } = this.span(fromSeq, limit);
    if (to <= from) return [];
    const { rows } = await this.database.read<KnownEntry>(ENTRIES, [this.conversationId, from, to]);
    if (rows.length < to - from) throw this.missing(from + rows.length);
    return rows;
  }

  override async entry(seq: number): Promise<EventIndexEntry> {
    if (!(seq >= 0 && seq < this.length)) throw new RangeError(`no event ${seq} in a log of ${this.length}`);
    const entry = (await this.entriesOf([seq])).get(seq);
    if (!entry) throw this.missing(seq);
    return entry;
  }

  override async select(filter: EntryFilter, range: LogRange): Promise<number[]> {
    if (range.limit <= 0) return [];
    const { span, rest } = await this.narrow(filter, spanOf(range, this.length));
    if (span.to <= span.from) return [];
    const { text, values } = selectStatement(this.conversationId, rest, span, range);
    const { rows } = await this.database.read<KnownEntry>(text, values);
    this.cache.add(this, rows.slice(0, MAX_KEPT));
    return rows.map(({ seq }) => seq);
  }

  override async count(filter: EntryFilter, length: number): Promise<number> {
    const { span, rest } = await this.narrow(filter, { from: 0, to: Math.min(length, this.length) });
    if (span.to <= span.from) return 0;
    if (Object.values(rest).every((value) => value === undefined)) return span.to - span.from;
    const { text, values } = countStatement(this.conversationId, rest, span);
    const { rows } = await this.database.read<{ count: number }>(text, values);
    return rows[0]?.count ?? 0;
  }

  override async seqOf(id: string): Promise<number | undefined> {
    return (await this.seqsOf([id]))[0];
  }

  override async seqsOf(ids: readonly string[]): Promise<(number | undefined)[]> {
    // What no event can have as its id would not reach the database as it is.
    const known = ids.filter((id) => id !== '' && !/[\n\0]/.test(id));
    if (known.length === 0) return ids.map(() => undefined);
    const { rows } = await this.database.read<{ seq: number; id: string }>(SEQS_OF, [
      this.conversationId,
      known.join('\n'),
      this.length,
    ]);
    const seqs = new Map(rows.map(({ seq, id }) => [id, seq]));
    return ids.map((id) => seqs.get(id));
  }

  override close(): Promise<void> {
    this.cache.remove(this);
    return Promise.resolve();
  }

  /** The log has grown by these records. */
  protected grow(records: readonly LogRecord[]): void {
    for (const { timestamp } of records) {
      this.start.timestamp = timestamp;
      if (timestamp > this.start.high) this.start.high = timestamp;
    }
    this.start.length += records.length;
  }

  private span(fromSeq: number, limit: number): Span {
    const from = Math.max(0, fromSeq);
    return { from, to: Math.min(from + limit, this.length) };
  }

  /**
   * Leaves out what the timestamps exclude, so that a search need not read it.
   * @returns also the conditions that are left to check
   */
  private async narrow(filter: EntryFilter, span: Span): Promise<{ span: Span; rest: EntryFilter }> {
    const { timestampGte, timestampLt, ...others } = filter;
    const timestamps = [timestampGte, timestampLt].filter((timestamp) => timestamp !== undefined);
    if (timestamps.length === 0 || span.to <= span.from) return { span, rest: others };
    const values = [this.conversationId, this.length, timestamps, timestampLt ?? null];
    const { rows } = await this.database.read<TimePosition>(TIME_POSITIONS, values);
    const positionOf = (timestamp: string | undefined) => rows.find(({ value }) => value === timestamp);
    const [first, end] = [positionOf(timestampGte), positionOf(timestampLt)];
    const narrowed = {
      from: Math.max(span.from, first?.seq ?? 0),
      to: Math.min(span.to, end ? Math.max(end.seq, (end.last_below ?? -1) + 1) : this.length),
    };
    const isExact = rows.length > 0 && rows.every((row) => row.is_steady);
    return { span: narrowed, rest: isExact ? others : filter };
  }

  private async entriesOf(seqs: readonly number[]): Promise<Map<number, KnownEntry>> {
    const entries = new Map<number, KnownEntry>();
    const unknown: number[] = [];
    for (const seq of seqs) {
      const entry = this.cache.get(this, seq);
      if (entry) entries.set(seq, entry);
      else unknown.push(seq);
    }
    if (unknown.length === 0) return entries;
    const { rows } = await this.database.read<KnownEntry>(ENTRIES_OF, [
      this.conversationId,
      arrayText(unknown),
    ]);
    for (const entry of rows) entries.set(entry.seq, entry);
    this.cache.add(this, rows.slice(0, MAX_KEPT));
    return entries;
  }

  /** @throws DamagedConversationError if one is missing */
  private inOrder(rows: readonly Line[], seqs: readonly number[]): string[] {
    if (rows.length === seqs.length && rows.every(({ seq }, index) => seq === seqs[index])) {
      return rows.map(({ line }) => line);
    }
    const lines = new Map(rows.map(({ seq, line }) => [seq, line]));
    return seqs.map((seq) => {
      const line = seq < this.length ? lines.get(seq) : undefined;
      if (line === undefined) throw this.missing(seq);
      return line;
    });
  }

  private missing(seq: number): Error {
    return new DamagedConversationError(this.conversationId, `its log has no event ${seq}`);
  }
}

/** Lines as UTF-8 with commas between them. */
function joinLines(lines: readonly string[]): Buffer {
  return Buffer.concat(
    lines.flatMap((line, index) => (index === 0 ? [] : [COMMA]).concat(Buffer.from(line))),
  );
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}
