import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { errorMessage } from '../../../errors/index.js';
import { withTimeout } from '../../../flow/index.js';
import { StorageFailedError } from '../../storage-errors.js';
import type { Availability } from './availability.js';
import {
  isAtLimit,
  isConnectionLost,
  OutcomeUnknownError,
  outcomeUnknown,
  sqlState,
  toDatabaseError,
  unavailable,
} from './database-errors.js';
import { CLIENT_GRACE_MS } from './database-options.js';

/** What a statement answered. */
export interface Answer<R> {
  rows: R[];
  /** How many rows were read or changed. */
  rowCount: number;
}

/** Runs statements with `$1` in the place of values. */
export interface Queryable {
  query<R = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Answer<R>>;
}

/** Runs statements that may run twice: see `Connections.read`. */
export interface Repeatable {
  read<R = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
    duringOutage?: DuringOutage,
  ): Promise<Answer<R>>;
}

/** The statements of one transaction. */
export interface Transaction extends Queryable {
  /** Runs several statements without values, separated by semicolons. */
  script(text: string): Promise<void>;
}

/** Connections that are not used for this time are closed (ms). */
const IDLE_MS = 60_000;

/** What calls do during an outage: wait as long as they may, or fail unless it has just begun. */
export type DuringOutage = 'wait' | 'fail';

/**
 * A number of connections to the database. Each call waits for one at most as long as the time limit; the
 * wait includes a short outage. Statements are prepared once a connection.
 */
export class Connections implements Queryable, Repeatable {
  private readonly pool: pg.Pool;
  private isClosed = false;

  constructor(
    config: pg.ClientConfig,
    size: number,
    private readonly timeoutMs: number,
    private readonly availability: Availability,
    private readonly duringOutage: DuringOutage,
  ) {
    this.pool = new pg.Pool({ ...config, max: size, idleTimeoutMillis: IDLE_MS, verify });
    // An idle connection was lost; the pool has dropped it.
    this.pool.on('error', () => this.availability.suspect());
  }

  /**
   * Runs one statement, once.
   * @param waitMs limit for the wait for a connection, if it is not that of the connections
   * @throws StorageFailedError if the database is away, busy or full; nothing was changed
   * @throws OutcomeUnknownError if the connection was lost after it was sent
   */
  async query<R = Record<string, unknown>>(
    text: string,
    values: readonly unknown[] = [],
    waitMs = this.timeoutMs,
  ): Promise<Answer<R>> {
    return this.useSession(performance.now() + waitMs, (session) => run<R>(session, text, values));
  }

  /** Runs a statement that may run twice: as `query`, but repeated after a lost connection. */
  async read<R = Record<string, unknown>>(
    text: string,
    values: readonly unknown[] = [],
    duringOutage = this.duringOutage,
  ): Promise<Answer<R>> {
    const deadline = this.deadline();
    for (;;) {
      try {
        return await this.useSession(deadline, (session) => run<R>(session, text, values), duringOutage);
      } catch (error) {
        if (!(error instanceof OutcomeUnknownError)) throw error;
        if (performance.now() >= deadline) throw unavailable(error.cause);
      }
    }
  }

  /**
   * Runs statements in one transaction; if `work` throws, nothing is changed.
   * @param timeoutMs limit for each statement, if it is not that of the connections
   * @throws OutcomeUnknownError if the connection was lost during the commit
   */
  async transaction<T>(work: (transaction: Transaction) => Promise<T>, timeoutMs?: number): Promise<T> {
    return this.useSession(this.deadline(), async (session) => {
      let isCommitting = false;
      const query = <R>(text: string, values?: readonly unknown[]) =>
        run<R>(session, text, values, timeoutMs);
      const script = (text: string) => runScript(session, text, timeoutMs);
      try {
        await script(timeoutMs === undefined ? 'BEGIN' : `BEGIN; SET LOCAL statement_timeout = ${timeoutMs}`);
        const result = await work({ query, script });
        isCommitting = true;
        await script('COMMIT');
        return result;
      } catch (error) {
        // Without a connection the server rolls back by itself.
        if (!session.isLost) await script('ROLLBACK').catch(ignore);
        throw error instanceof OutcomeUnknownError && !isCommitting ? unavailable(error.cause) : error;
      }
    });
  }

  /** Closes all connections after the statements that run. Idempotent. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    await this.pool.end();
  }

  /** Whether it has a connection, in use or not. */
  get isConnected(): boolean {
    return this.pool.totalCount > 0;
  }

  private deadline(): number {
    return performance.now() + this.timeoutMs;
  }

  private async useSession<T>(
    deadline: number,
    action: (session: Session) => Promise<T>,
    duringOutage = this.duringOutage,
  ): Promise<T> {
    const client = await this.acquire(deadline, duringOutage);
    const session: Session = { client, isLost: false };
    // Without a listener a lost connection would end the process; the statement rejects as well.
    client.on('error', ignore);
    try {
      return await action(session);
    } finally {
      client.off('error', ignore);
      client.release(session.isLost);
      if (session.isLost) this.availability.suspect();
    }
  }

  private async acquire(deadline: number, duringOutage: DuringOutage): Promise<pg.PoolClient> {
    for (;;) {
      if (this.isClosed) throw unavailable(new Error('the server shuts down'));
      const ms = deadline - performance.now();
      await (duringOutage === 'wait' ? this.availability.wait(ms) : this.availability.waitShortly(ms));
      try {
        return await this.connect(Math.max(1, deadline - performance.now()));
      } catch (error) {
        if (error instanceof StorageFailedError) throw error;
        if (isAtLimit(error) && this.mayBecomeFree) await pauseUntil(deadline, error);
        else this.availability.lost(error);
      }
    }
  }

  /** Whether waiting may help when the database accepts no more connections, although it answers. */
  private get mayBecomeFree(): boolean {
    return this.isConnected || this.duringOutage === 'wait';
  }

  /** @throws StorageFailedError if there is no connection within `ms` */
  private async connect(ms: number): Promise<pg.PoolClient> {
    const connecting = this.pool.connect();
    let client: pg.PoolClient | undefined;
    try {
      client = await withTimeout(connecting, ms, () => undefined);
    } catch (error) {
      if (errorMessage(error).includes(POOL_IS_BUSY)) throw unavailable(new Error(ALL_IN_USE));
      throw error;
    }
    if (client) return client;
    const isBusy = this.pool.waitingCount > 0;
    connecting.then((late) => late.release(), ignore);
    if (!isBusy) this.availability.suspect();
    throw unavailable(new Error(isBusy ? ALL_IN_USE : 'no connection within the time limit'));
  }
}

/** What `pg` says when no connection became free in time. */
const POOL_IS_BUSY = 'exceeded when trying to connect';
const ALL_IN_USE = 'all connections are in use (database_pool_size)';

/** Time between two attempts to get a connection from a database that accepts no more of them (ms). */
const LIMIT_RETRY_MS = 50;

/** @throws StorageFailedError after the deadline */
async function pauseUntil(deadline: number, error: unknown): Promise<void> {
  const left = deadline - performance.now();
  if (left <= 0) throw unavailable(error);
  await delay(Math.min(LIMIT_RETRY_MS, left));
}

/** A connection while it is in use. */
interface Session {
  client: pg.ClientBase;
  /** It must not be used again. */
  isLost: boolean;
}

async function run<R>(
  session: Session,
  text: string,
  values: readonly unknown[] = [],
  timeoutMs?: number,
): Promise<Answer<R>> {
  const query = { text, values: [...values], name: statementName(text), ...clientTimeout(timeoutMs) };
  const { rows, rowCount } = await settle(session, session.client.query<R & pg.QueryResultRow>(query));
  return { rows, rowCount: rowCount ?? 0 };
}

async function runScript(session: Session, text: string, timeoutMs?: number): Promise<void> {
  await settle(session, session.client.query({ text, ...clientTimeout(timeoutMs) }));
}

/** `pg` ends the wait for the server by itself, later than the server ends the statement. */
function clientTimeout(timeoutMs: number | undefined): { query_timeout?: number } {
  return timeoutMs === undefined ? {} : { query_timeout: timeoutMs + CLIENT_GRACE_MS };
}

async function settle<T>(session: Session, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    session.isLost ||= isConnectionLost(error) || sqlState(error) === READ_ONLY;
    throw isConnectionLost(error) ? outcomeUnknown(error) : toDatabaseError(error);
  }
}

/** The primary has become a standby: a new connection finds out whether there is another one. */
const READ_ONLY = '25006';

/** Statements that are prepared, at most. Texts are constants; a limit in case that one is not. */
const MAX_NAMES = 1000;
const names = new Map<string, string>();

/** The name under which connections prepare a statement; none for one too many. */
function statementName(text: string): string | undefined {
  let name = names.get(text);
  if (name === undefined && names.size < MAX_NAMES) {
    name = `s${names.size + 1}`;
    names.set(text, name);
  }
  return name;
}

/**
 * Makes sure that commits are durable whatever the default of the database is, and refuses a standby, which
 * answers in the place of its primary after a failover.
 */
export async function prepareSession(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ read_only: string }>(SESSION);
  if (rows[0]?.read_only !== 'off') throw new Error('the database is read-only (a standby server?)');
}

/** For a new connection of the pool, which does not listen to its errors at that time. */
function verify(client: pg.ClientBase, done: (error?: Error) => void): void {
  client.on('error', ignore);
  prepareSession(client)
    .finally(() => client.off('error', ignore))
    .then(() => done(), done);
}

const SESSION = `
  SELECT current_setting('transaction_read_only') AS read_only,
    CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', false) END`;

function ignore(): void {
  // Reported by the statement, or of no consequence.
}
