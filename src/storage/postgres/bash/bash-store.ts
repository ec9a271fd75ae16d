import { setTimeout as sleep } from 'node:timers/promises';
import { StorageFailedError } from '../../storage-errors.js';
import { toMicroseconds } from '../../bash-page-id.js';
import type { BashHistoryLimits, BashRecord } from '../../bash-history.js';
import { OutcomeUnknownError, type Database, type Transaction } from '../database/index.js';
import {
  CLEAR,
  CREATE_HISTORY,
  EXCEEDS,
  LOCK_HISTORY,
  REMOVE_HISTORY,
  STORE,
  TRIM,
} from './bash-statements.js';

/** Events that one statement of `clear` removes, at most. */
const CLEAR_EVENTS = 1000;
/** Between two attempts to store what could not be stored (ms). */
const RETRY_MS = 200;
/** Statements in which one call removes old events, at most: the next one goes on. */
const MAX_TRIMS = 10;

/** Changes histories in the database. Each change locks the row of its history. */
export class BashStore {
  private readonly closing = new AbortController();

  constructor(
    private readonly database: Database,
    private readonly limits: BashHistoryLimits,
  ) {}

  /** From now on, what the database does not take is given up. */
  close(): void {
    this.closing.abort();
  }

  /**
   * Stores events of commands that a server runs, all of the same kind, and removes the oldest ones beyond
   * the limits. Output waits for a database that is away, as the command that writes it then does. Whether a
   * command was stored is found out before this rejects.
   * @returns the number of each event; undefined for output of a command that the server does not run
   */
  async store(
    scope: string,
    server: string,
    records: readonly BashRecord[],
  ): Promise<(number | undefined)[]> {
    let mustWait = records.some(({ kind }) => kind === 'BashOutput');
    for (;;) {
      try {
        return await this.storeOnce(scope, server, records);
      } catch (error) {
        mustWait ||= error instanceof OutcomeUnknownError;
        const mayPass = error instanceof StorageFailedError && !error.isFull;
        if (!mayPass || !mustWait || this.closing.signal.aborted) throw error;
        await sleep(RETRY_MS, undefined, this.closing).catch(() => undefined);
      }
    }
  }

  /** Removes the events beyond the limits. */
  async trim(scope: string): Promise<void> {
    for (let count = 0; count < MAX_TRIMS; count += 1) {
      if (!(await this.exceeds(this.database, scope))) return;
      await this.database.transaction(async (transaction) => {
        await transaction.query(LOCK_HISTORY, [scope]);
        await transaction.query(TRIM, this.trimValues(scope));
      });
    }
  }

  /** Removes all events that are stored now. @returns their number */
  async clear(scope: string): Promise<number> {
    let total = 0;
    let end: number | undefined;
    for (;;) {
      const removed = await this.database.transaction(async (transaction) => {
        const { rows } = await transaction.query<{ next: number }>(LOCK_HISTORY, [scope]);
        if (!rows[0]) return 0;
        end ??= rows[0].next;
        const answer = await transaction.query<{ count: number }>(CLEAR, [scope, CLEAR_EVENTS, end]);
        return answer.rows[0]?.count ?? 0;
      });
      total += removed;
      if (removed < CLEAR_EVENTS) return total;
    }
  }

  async remove(scope: string): Promise<void> {
    await this.clear(scope);
    await this.database.transaction(async (transaction) => {
      await transaction.query(LOCK_HISTORY, [scope]);
      await transaction.query(REMOVE_HISTORY, [scope]);
    });
  }

  private storeOnce(
    scope: string,
    server: string,
    records: readonly BashRecord[],
  ): Promise<(number | undefined)[]> {
    return this.database.transaction(async (transaction) => {
      if (!(await this.lock(transaction, scope, records))) return records.map(() => undefined);
      const { rows } = await transaction.query<{ id: string; number: number }>(STORE, [
        scope,
        server,
        ...columns(records),
      ]);
      if (await this.exceeds(transaction, scope)) await transaction.query(TRIM, this.trimValues(scope));
      const numbers = new Map(rows.map(({ id, number }) => [id.replaceAll('-', ''), number]));
      return records.map(({ id }) => numbers.get(id));
    });
  }

  /** False if the history was removed. */
  private async lock(
    transaction: Transaction,
    scope: string,
    records: readonly BashRecord[],
  ): Promise<boolean> {
    const { rowCount } = await transaction.query(LOCK_HISTORY, [scope]);
    if (rowCount > 0) return true;
    if (records.every(({ kind }) => kind === 'BashOutput')) return false;
    await transaction.query(CREATE_HISTORY, [scope]);
    await transaction.query(LOCK_HISTORY, [scope]);
    return true;
  }

  private async exceeds(queries: Pick<Transaction, 'query'>, scope: string): Promise<boolean> {
    const { rowCount } = await queries.query(EXCEEDS, this.trimValues(scope));
    return rowCount > 0;
  }

  private trimValues(scope: string): unknown[] {
    return [scope, this.limits.events, this.limits.bytes, oldestAllowed(this.limits) ?? null];
  }
}

/** The time before which events are dropped (microseconds). */
export function oldestAllowed({ seconds }: BashHistoryLimits): number | undefined {
  return seconds === null ? undefined : Math.floor((Date.now() - seconds * 1000) * 1000);
}

function columns(records: readonly BashRecord[]): unknown[] {
  return [
    records.map(({ id }) => id),
    records.map(({ kind, commandId }) => (kind === 'BashOutput' ? commandId : null)),
    records.map(({ order }) => order),
    records.map(({ timestamp }) => toMicroseconds(timestamp)),
    records.map(({ line }) => Buffer.byteLength(line)),
    records.map(({ line }) => line),
    records.map(({ isLast }) => isLast),
  ];
}
