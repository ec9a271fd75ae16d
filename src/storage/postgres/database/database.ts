import pg from 'pg';
import { StorageFailedError } from '../../storage-errors.js';
import { Availability } from './availability.js';
import {
  Connections,
  type DuringOutage,
  prepareSession,
  type Answer,
  type Queryable,
  type Repeatable,
  type Transaction,
} from './connections.js';
import { isAtLimit, unavailable } from './database-errors.js';
import { connectionConfig, type DatabaseOptions } from './database-options.js';

/** Connections of `database_pool_size` that are kept for lanes: appends, documents, leases with hints. */
const RESERVED = 3;

/**
 * The PostgreSQL database of this server. Statements share a pool of connections; what must not wait behind
 * others has a lane of its own. While the database is away lanes wait for it, as long as the time limit; all
 * others fail with a `StorageFailedError` as soon as the outage lasts longer than a second.
 */
export class Database implements Queryable, Repeatable {
  private readonly availability: Availability;
  private readonly config: pg.ClientConfig;
  private readonly shared: Connections;
  private readonly lanes = new Set<Connections>();

  /** @throws ConfigError for a URL or a file of certificates that cannot be used */
  constructor(private readonly options: DatabaseOptions) {
    this.config = connectionConfig(options);
    this.availability = new Availability(() => this.probe());
    this.shared = this.connections(Math.max(1, options.poolSize - RESERVED), 'fail');
  }

  /** Where the database is, for people: its name, host and port. */
  get place(): string {
    // Whatever the URL leaves out is filled in as for a connection.
    const { database, host, port } = new pg.Client(this.config);
    return `${database ?? ''} on ${host}${host.startsWith('/') ? '' : `:${port}`}`;
  }

  /** False during an outage. */
  get isAvailable(): boolean {
    return this.availability.isAvailable;
  }

  /** Limit for a statement, and for the wait for a connection (ms). */
  get timeoutMs(): number {
    return this.options.timeoutMs;
  }

  /** Calls `listener` each time the database answers again after an outage. Returns how to stop that. */
  onAvailable(listener: () => void): () => void {
    return this.availability.onAvailable(listener);
  }

  /** As `Connections.query`: one statement, once. */
  query<R = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Answer<R>> {
    return this.shared.query<R>(text, values);
  }

  /**
   * As `Connections.read`: a statement that may run twice; a lost connection does not show.
   * @param duringOutage `wait` for what nobody waits for, and what is only tried again much later
   */
  read<R = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
    duringOutage?: DuringOutage,
  ): Promise<Answer<R>> {
    return this.shared.read<R>(text, values, duringOutage);
  }

  /** As `Connections.transaction`. */
  transaction<T>(work: (transaction: Transaction) => Promise<T>, timeoutMs?: number): Promise<T> {
    return this.shared.transaction(work, timeoutMs);
  }

  /**
   * A connection of its own, for statements that must not wait for others (appends, heartbeats).
   * @param lockTimeoutMs how long its statements wait for a lock; as long as they may take if it is not given
   */
  lane(lockTimeoutMs?: number): Connections {
    const options = lockTimeoutMs === undefined ? '' : ` -c lock_timeout=${lockTimeoutMs}`;
    const config = { ...this.config, options: `${this.config.options ?? ''}${options}` };
    const lane = this.connections(1, 'wait', config);
    this.lanes.add(lane);
    return lane;
  }

  /**
   * A connection outside of the pool, such as for LISTEN. The caller listens to its `error` and `end` events
   * and ends it.
   * @throws StorageFailedError if the database is away
   */
  async connect(): Promise<pg.Client> {
    const client = new pg.Client(this.config);
    client.on('error', () => this.availability.suspect());
    try {
      await client.connect();
      await prepareSession(client);
      return client;
    } catch (error) {
      await client.end().catch(() => undefined);
      throw unavailable(error);
    }
  }

  /** Ends the statements that run and closes all connections. Idempotent. */
  async close(): Promise<void> {
    await this.availability.close();
    await Promise.all([this.shared, ...this.lanes].map((connections) => connections.close()));
  }

  private async probe(): Promise<void> {
    try {
      const client = await this.connect();
      await client.end();
    } catch (error) {
      // It answers, and the connections that there are can be used.
      const isFull = error instanceof StorageFailedError && isAtLimit(error.cause);
      if (!isFull || !this.shared.isConnected) throw error;
    }
  }

  private connections(size: number, duringOutage: DuringOutage, config = this.config): Connections {
    return new Connections(config, size, this.options.timeoutMs, this.availability, duringOutage);
  }
}
