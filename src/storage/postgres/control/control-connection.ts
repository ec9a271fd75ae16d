import { Socket } from 'node:net';
import pg from 'pg';
import { withTimeout } from '../../../flow/index.js';
import {
  unavailable,
  toDatabaseError,
  isConnectionLost,
  outcomeUnknown,
} from '../database/database-errors.js';
import type { Answer, Queryable } from '../database/connections.js';

/** Time between two attempts to connect again: doubled from the first to the second (ms). */
const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 1000;

/** A notification, as PostgreSQL delivers it. */
type OnNotification = (channel: string, payload: string) => void;

/**
 * One connection for heartbeats and hints. They never wait for a connection of the pool, so that load does
 * not look like the death of a server. It connects again by itself.
 */
export class ControlConnection implements Queryable {
  private current: Promise<pg.Client> | undefined;
  private retry: NodeJS.Timeout | undefined;
  private readonly sockets = new WeakMap<pg.Client, Socket>();
  private readonly connectListeners: ((queries: Queryable) => Promise<void>)[] = [];
  private readonly notificationListeners: OnNotification[] = [];
  private isClosed = false;

  /** @param timeoutMs the longest time that an attempt to connect, or a statement, takes */
  constructor(
    private readonly config: pg.ClientConfig,
    private readonly timeoutMs: number,
  ) {}

  /**
   * Calls `listener` with each new connection before it is used otherwise. Call it before the first query.
   */
  onConnect(listener: (queries: Queryable) => Promise<void>): void {
    this.connectListeners.push(listener);
  }

  /** Calls `listener` with each notification of the channels that the connection listens to. */
  onNotification(listener: OnNotification): void {
    this.notificationListeners.push(listener);
  }

  /** Connects, and again after each loss of the connection until `close`. */
  keepConnected(): void {
    this.retryAfter(0, FIRST_RETRY_MS);
  }

  /**
   * Runs a statement, once.
   * @throws StorageFailedError if the database is away, OutcomeUnknownError if the connection was lost
   *   meanwhile
   */
  async query<R = Record<string, unknown>>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<Answer<R>> {
    return this.run(await this.connected(), text, values);
  }

  /** Closes the connection after the statements that run. Idempotent. */
  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.retry);
    const client = await this.current?.catch(() => undefined);
    this.current = undefined;
    if (client) await this.end(client);
  }

  private connected(): Promise<pg.Client> {
    if (this.isClosed) return Promise.reject(unavailable(new Error('the server shuts down')));
    if (!this.current) {
      const connecting = this.connect();
      this.current = connecting;
      connecting.catch(() => this.forget(connecting));
    }
    return this.current;
  }

  private async connect(): Promise<pg.Client> {
    const { timeoutMs } = this;
    const socket = new Socket();
    const client = new pg.Client({
      ...this.config,
      stream: () => socket,
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs,
    });
    // The statement or the connection attempt that it breaks rejects as well.
    client.on('error', () => this.drop(client));
    client.on('end', () => this.drop(client));
    this.sockets.set(client, socket);
    client.on('notification', ({ channel, payload = '' }) => {
      for (const listener of this.notificationListeners) listener(channel, payload);
    });
    try {
      await client.connect();
      for (const listener of this.connectListeners)
        await listener({ query: (text, values) => this.run(client, text, values ?? []) });
      return client;
    } catch (error) {
      void this.end(client);
      throw unavailable(error);
    }
  }

  private async run<R>(client: pg.Client, text: string, values: readonly unknown[]): Promise<Answer<R>> {
    try {
      const { rows, rowCount } = await client.query<R & pg.QueryResultRow>(text, [...values]);
      return { rows, rowCount: rowCount ?? 0 };
    } catch (error) {
      if (!isConnectionLost(error)) throw toDatabaseError(error);
      // A late answer would be taken for that of the next statement.
      this.drop(client);
      throw outcomeUnknown(error);
    }
  }

  /** The client is broken: the next statement connects again. */
  private drop(client: pg.Client): void {
    const { current } = this;
    void current?.then((known) => known === client && this.forget(current)).catch(() => undefined);
    void this.end(client);
  }

  private forget(broken: Promise<pg.Client>): void {
    if (this.current !== broken) return;
    this.current = undefined;
    if (this.retry !== undefined) this.retryAfter(FIRST_RETRY_MS, FIRST_RETRY_MS);
  }

  private retryAfter(ms: number, next: number): void {
    if (this.isClosed) return;
    clearTimeout(this.retry);
    this.retry = setTimeout(() => {
      this.connected().catch(() => this.retryAfter(next, Math.min(2 * next, MAX_RETRY_MS)));
    }, ms).unref();
  }

  /** A connection that does not answer is cut. */
  private async end(client: pg.Client): Promise<void> {
    await withTimeout(
      client.end().catch(() => undefined),
      this.timeoutMs,
      () => undefined,
    );
    this.sockets.get(client)?.destroy();
  }
}
