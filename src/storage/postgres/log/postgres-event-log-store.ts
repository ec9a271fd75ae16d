import { EventLogStore, type EventLog, type LogReader } from '../../event-log.js';
import type { Database } from '../database/index.js';
import { Appender } from './appender.js';
import { EntryCache } from './entry-cache.js';
import { PostgresEventLog } from './postgres-event-log.js';
import { PostgresLogReader, type LogStart } from './postgres-log-reader.js';

const START = `
  SELECT c.length, coalesce(e.timestamp, '') AS timestamp, coalesce(e.high, e.timestamp, '') AS high
  FROM conversation c LEFT JOIN event e ON e.conversation = c.id AND e.seq = c.length - 1
  WHERE c.id = $1`;

/** Opens the logs of conversations in the database. */
export class PostgresEventLogStore extends EventLogStore {
  private readonly cache = new EntryCache();
  private readonly appender: Appender;

  constructor(private readonly database: Database) {
    super();
    this.appender = new Appender(database);
  }

  override async open(conversationId: string): Promise<EventLog> {
    const { database, appender, cache } = this;
    return new PostgresEventLog(conversationId, await this.start(conversationId), {
      database,
      appender,
      cache,
    });
  }

  override async read(conversationId: string): Promise<LogReader> {
    return new PostgresLogReader(conversationId, await this.start(conversationId), this.database, this.cache);
  }

  /** Gives up appends that cannot be settled. Call it when all logs are closed. Idempotent. */
  close(): Promise<void> {
    return this.appender.close();
  }

  private async start(conversationId: string): Promise<LogStart> {
    const { rows } = await this.database.read<LogStart>(START, [conversationId]);
    return rows[0] ?? { length: 0, timestamp: '', high: '' };
  }
}
