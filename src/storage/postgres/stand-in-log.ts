import {
  EventLog,
  EventLogStore,
  type EntryFilter,
  type EventIndexEntry,
  type LogRange,
  type LogRecord,
} from '../event-log.js';
import type { LeaseFence } from '../lease-store.js';
import { LeaseLostError, SequenceConflictError } from '../storage-errors.js';
import type { Database } from './database/index.js';

interface Row extends EventIndexEntry {
  seq: number;
  line: string;
}

class StandInLog extends EventLog {
  private accepted: number;
  private tail: Promise<void> = Promise.resolve();
  constructor(
    private readonly database: Database,
    private readonly id: string,
    public length: number,
    public lastTimestamp: string,
  ) {
    super();
    this.accepted = length;
  }
  private async rows(where: string, values: unknown[]): Promise<Row[]> {
    return (
      await this.database.read<Row>(`SELECT * FROM event WHERE conversation = $1 AND ${where}`, [
        this.id,
        ...values,
      ])
    ).rows;
  }
  async read(from: number, limit: number): Promise<string[]> {
    return (await this.rows('seq >= $2 AND seq < $3 ORDER BY seq', [from, from + limit])).map(
      ({ line }) => line,
    );
  }
  async readBytes(from: number, limit: number, bytes: number): Promise<Buffer[]> {
    const out: Buffer[] = [];
    let sum = 0;
    for (const line of await this.read(from, limit)) {
      const buffer = Buffer.from(line);
      sum += buffer.length;
      if (out.length > 0 && sum > bytes) break;
      out.push(buffer);
    }
    return out;
  }
  async readMany(seqs: readonly number[]): Promise<string[]> {
    const rows = new Map((await this.rows('seq = ANY($2)', [seqs])).map((row) => [row.seq, row.line]));
    return seqs.map((seq) => rows.get(seq) ?? '');
  }
  async readItems(seqs: readonly number[]): Promise<Buffer> {
    return Buffer.from((await this.readMany(seqs)).join(','));
  }
  splitByBytes(seqs: readonly number[]): Promise<number[][]> {
    return Promise.resolve(seqs.length > 0 ? [[...seqs]] : []);
  }
  async entries(from: number, limit: number): Promise<EventIndexEntry[]> {
    return this.rows('seq >= $2 AND seq < $3 ORDER BY seq', [from, from + limit]);
  }
  async entry(seq: number): Promise<EventIndexEntry> {
    const [row] = await this.rows('seq = $2', [seq]);
    if (!row) throw new RangeError('beyond the log');
    return row;
  }
  async select(filter: EntryFilter, { from, descending, length, limit }: LogRange): Promise<number[]> {
    const rows = await this.rows(`seq < $2 ORDER BY seq ${descending ? 'DESC' : 'ASC'}`, [length]);
    return rows
      .filter((row) => (descending ? row.seq <= from : row.seq >= from) && matches(filter, row))
      .slice(0, limit)
      .map(({ seq }) => seq);
  }
  async count(filter: EntryFilter, length: number): Promise<number> {
    return (await this.select(filter, { from: 0, descending: false, length, limit: Infinity })).length;
  }
  async seqOf(id: string): Promise<number | undefined> {
    return (await this.rows('id = $2', [id]))[0]?.seq;
  }
  async seqsOf(ids: readonly string[]): Promise<(number | undefined)[]> {
    return Promise.all(ids.map((id) => this.seqOf(id)));
  }
  append(expected: number, fence: LeaseFence, records: readonly LogRecord[]): Promise<void> {
    if (expected !== this.accepted) return Promise.reject(new SequenceConflictError(expected, this.accepted));
    this.accepted += records.length;
    this.tail = this.tail.then(() => this.write(expected, fence, records));
    this.tail.catch(() => undefined);
    return this.tail;
  }
  private async write(from: number, fence: LeaseFence, records: readonly LogRecord[]): Promise<void> {
    const column = (name: 'id' | 'kind' | 'source' | 'timestamp' | 'line'): string[] =>
      records.map((it) => it[name]);
    const { rowCount } = await this.database.query(
      `WITH c AS (UPDATE conversation SET length = length + $4 WHERE id = $1 AND generation = $2 AND length = $3 RETURNING id)
       INSERT INTO event SELECT c.id, $3 + n - 1, e.id, e.kind, e.source, e.timestamp, e.line
       FROM c, unnest($5::text[], $6::text[], $7::text[], $8::text[], $9::text[]) WITH ORDINALITY AS e (id, kind, source, timestamp, line, n)`,
      [
        this.id,
        fence.generation,
        from,
        records.length,
        column('id'),
        column('kind'),
        column('source'),
        column('timestamp'),
        column('line'),
      ],
    );
    if (rowCount === 0 && records.length > 0) throw new LeaseLostError(this.id);
    this.length = from + records.length;
    this.lastTimestamp = records.at(-1)?.timestamp ?? this.lastTimestamp;
  }
  async close(): Promise<void> {
    await this.tail.catch(() => undefined);
  }
}

function matches(filter: EntryFilter, row: Row): boolean {
  return (
    (filter.kind === undefined || row.kind === filter.kind) &&
    (filter.notKind === undefined || row.kind !== filter.notKind) &&
    (filter.source === undefined || row.source === filter.source) &&
    (filter.timestampGte === undefined || row.timestamp >= filter.timestampGte) &&
    (filter.timestampLt === undefined || row.timestamp < filter.timestampLt)
  );
}

export class StandInLogStore extends EventLogStore {
  constructor(private readonly database: Database) {
    super();
  }
  async open(id: string): Promise<EventLog> {
    const { rows } = await this.database.read<{ length: number; last: string | null }>(
      `SELECT length, (SELECT timestamp FROM event WHERE conversation = $1 AND seq = length - 1) AS last FROM conversation WHERE id = $1`,
      [id],
    );
    return new StandInLog(this.database, id, rows[0]?.length ?? 0, rows[0]?.last ?? '');
  }
  read(id: string): Promise<EventLog> {
    return this.open(id);
  }
}
