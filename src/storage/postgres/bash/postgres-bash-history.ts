import { setTimeout as sleep } from 'node:timers/promises';
import {
  BashCommandEndedError,
  BashHistory,
  type BashFollower,
  type BashPage,
  type BashQuery,
  type BashRange,
  type BashRecord,
  type BashRecordKind,
} from '../../bash-history.js';
import { pageIdOf } from '../../bash-page-id.js';
import type { Repeatable } from '../database/index.js';
import { BashEventFollower, type NumberedLine } from './bash-follower.js';
import {
  EVENT,
  EVENTS_FROM,
  IS_RUNNING,
  LINES,
  pageStatement,
  RANGE,
  REQUEST_STOP,
} from './bash-statements.js';

/** The size after which a page ends (bytes), because a response has to fit into memory. */
const PAGE_BYTES = 4 * 1024 * 1024;
/** Events that one statement reads or stores, and bytes that it stores, at most. */
const MAX_EVENTS = 100;
const MAX_BYTES = 4 * 1024 * 1024;
/**
 * How long the caller waits for the end of a command on another server, and how often that is looked at (ms).
 */
const STOP_WAIT_MS = 5_000;
const STOP_LOOK_MS = 100;
const ID = /^[0-9a-f]{32}$/;
/** Beyond the orders and numbers that exist, and within the range of the database's type. */
const MAX_ORDER = Number.MAX_SAFE_INTEGER;

/** A record that waits to be stored. */
interface Waiting {
  record: BashRecord;
  resolve: (number: number) => void;
  reject: (error: unknown) => void;
}

interface PageRow {
  number: number;
  id: string;
  command: string | null;
  micros: number;
}

/** What a history uses of the driver. */
interface HistoryContext {
  /** Stores records of this server; see `BashStore.store`. */
  store(records: readonly BashRecord[]): Promise<(number | undefined)[]>;
  /** Applies the limits of age. */
  expire(): Promise<void>;
  clear(): Promise<number>;
  /** Tells the server that runs a command. */
  tellStop(commandId: string): void;
  closed(): void;
}

/** A history in the database, which all servers write and read. */
export class PostgresBashHistory extends BashHistory {
  private readonly waiting: Waiting[] = [];
  private storing: Promise<void> | undefined;
  private follower: BashEventFollower | undefined;
  private readonly stopListeners: ((commandId: string) => void)[] = [];

  /** @param scope the conversation, or the nil UUID */
  constructor(
    private readonly database: Repeatable,
    private readonly scope: string,
    private readonly context: HistoryContext,
  ) {
    super();
  }

  /** Records that wait at the same time share a transaction. */
  append(record: BashRecord): Promise<number> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ record, resolve, reject });
      this.storing ??= this.storeWaiting();
    });
  }

  async range(): Promise<BashRange> {
    // Who follows the history gets all events from this range on.
    await this.follower?.started;
    return this.readRange();
  }

  async linesFrom(from: number, bytes: number): Promise<string[]> {
    const events = await this.eventsFrom(from, bytes);
    return events[0]?.number === from ? events.map(({ line }) => line) : [];
  }

  /** As `linesFrom`, beginning with the first event that exists. */
  async eventsFrom(from: number, bytes: number): Promise<NumberedLine[]> {
    const { rows } = await this.database.read<NumberedLine>(EVENTS_FROM, [
      this.scope,
      from,
      bytes,
      MAX_EVENTS,
    ]);
    return rows;
  }

  follow(follower: BashFollower): () => void {
    this.follower ??= new BashEventFollower({
      range: () => this.readRange(),
      eventsFrom: (from, bytes) => this.eventsFrom(from, bytes),
    });
    const { follower: current } = this;
    current.add(follower);
    return () => {
      current.remove(follower);
      if (current.size > 0 || this.follower !== current) return;
      current.stop();
      this.follower = undefined;
    };
  }

  /** Another server has changed the history, or may have. */
  changed(): void {
    this.follower?.look();
  }

  async search(query: BashQuery): Promise<BashPage> {
    await this.context.expire();
    const { kind, commandId, from, before, orderAfter, descending, limit } = query;
    const start = await this.pageStart(query.pageId);
    const { rows } = await this.database.read<PageRow & { bytes: number }>(pageStatement(descending), [
      this.scope,
      kind === undefined ? null : kind === 'BashCommand',
      commandId ?? null,
      from ?? null,
      before ?? null,
      orderAfter === undefined ? null : Math.max(-1, Math.min(orderAfter, MAX_ORDER)),
      start ?? null,
      limit + 1,
    ]);
    let bytes = 0;
    let count = 0;
    for (const row of rows.slice(0, limit)) {
      if (count > 0 && bytes + row.bytes > PAGE_BYTES) break;
      bytes += row.bytes;
      count += 1;
    }
    const next = rows[count];
    const lines = await this.linesOf(rows.slice(0, count).map(({ number }) => number));
    return { lines, nextPageId: next ? pageIdOf(toPageStart(next)) : null };
  }

  async line(id: string): Promise<string | undefined> {
    return (await this.event(id))?.line;
  }

  /** The servers of a database remove what is old together, again and again. */
  expire(): Promise<number> {
    return Promise.resolve(0);
  }

  clear(): Promise<number> {
    return this.context.clear();
  }

  async stopElsewhere(commandId: string): Promise<boolean> {
    if (!ID.test(commandId)) return false;
    const { rowCount } = await this.database.read(REQUEST_STOP, [commandId, this.scope]);
    if (rowCount === 0) return (await this.event(commandId))?.command === null;
    this.context.tellStop(commandId);
    const end = performance.now() + STOP_WAIT_MS;
    while (performance.now() < end) {
      await sleep(STOP_LOOK_MS);
      const running = await this.database.read(IS_RUNNING, [commandId]);
      if (running.rowCount === 0) break;
    }
    return true;
  }

  onStopRequest(listener: (commandId: string) => void): void {
    this.stopListeners.push(listener);
  }

  /** Another server wants to have a command of this server stopped. */
  stopRequested(commandId: string): void {
    for (const listener of this.stopListeners) listener(commandId);
  }

  async close(): Promise<void> {
    await this.storing;
    this.follower?.stop();
    this.context.closed();
  }

  private async readRange(): Promise<BashRange> {
    const { rows } = await this.database.read<BashRange>(RANGE, [this.scope]);
    return rows[0] ?? { first: 0, next: 0 };
  }

  private async storeWaiting(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.nextBatch();
      try {
        const numbers = await this.context.store(batch.map(({ record }) => record));
        for (const [index, { record, resolve, reject }] of batch.entries()) {
          const number = numbers[index];
          if (number === undefined) {
            reject(new BashCommandEndedError(record.commandId));
            continue;
          }
          this.follower?.stored({ number, line: record.line });
          resolve(number);
        }
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.storing = undefined;
  }

  /** Records of one kind: a command that cannot be stored is refused, output waits. */
  private nextBatch(): Waiting[] {
    const kind = this.waiting[0]?.record.kind;
    let count = 0;
    for (let bytes = 0; count < Math.min(this.waiting.length, MAX_EVENTS); count += 1) {
      const record = this.waiting[count]?.record;
      bytes += record?.line.length ?? 0;
      if (record?.kind !== kind || (count > 0 && bytes > MAX_BYTES)) break;
    }
    return this.waiting.splice(0, count);
  }

  /** The number of the event that a page begins with; undefined: the first one. */
  private async pageStart(pageId: string | undefined): Promise<number | undefined> {
    const row = pageId === undefined ? undefined : await this.event(pageId.slice(-32));
    return row && pageIdOf(toPageStart(row)) === pageId ? row.number : undefined;
  }

  private async event(id: string): Promise<(PageRow & { line: string }) | undefined> {
    if (!ID.test(id)) return undefined;
    const { rows } = await this.database.read<PageRow & { line: string }>(EVENT, [this.scope, id]);
    return rows[0];
  }

  /** In the order of the numbers; those that were dropped meanwhile are left out. */
  private async linesOf(numbers: readonly number[]): Promise<string[]> {
    const { rows } = await this.database.read<NumberedLine>(LINES, [this.scope, numbers]);
    const lines = new Map(rows.map(({ number, line }) => [number, line]));
    return numbers.flatMap((number) => lines.get(number) ?? []);
  }
}

function toPageStart({ id, command, micros }: PageRow): Parameters<typeof pageIdOf>[0] {
  const kind: BashRecordKind = command === null ? 'BashCommand' : 'BashOutput';
  return { id: id.replaceAll('-', ''), kind, commandId: command?.replaceAll('-', ''), micros };
}
