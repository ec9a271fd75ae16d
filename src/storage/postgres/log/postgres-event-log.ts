import { settlesWithin } from '../../../flow/index.js';
import type { EventLog, LogRecord } from '../../event-log.js';
import type { LeaseFence } from '../../lease-store.js';
import { SequenceConflictError } from '../../storage-errors.js';
import type { Database } from '../database/index.js';
import type { AppendTarget } from './append-queue.js';
import { assertStorable } from './append-statement.js';
import type { Appender } from './appender.js';
import type { EntryCache } from './entry-cache.js';
import { PostgresLogReader, type LogStart } from './postgres-log-reader.js';

/** What a log works with. */
interface LogParts {
  database: Database;
  appender: Appender;
  cache: EntryCache;
}

/** The log of one conversation in the database, for its owner. */
export class PostgresEventLog extends PostgresLogReader implements EventLog, AppendTarget {
  private readonly pending = new Set<Promise<void>>();
  /** Records that are durable or on their way. */
  private acceptedLength: number;
  private closing: Promise<void> | undefined;

  constructor(
    conversationId: string,
    start: LogStart,
    private readonly parts: LogParts,
  ) {
    super(conversationId, start, parts.database, parts.cache);
    this.acceptedLength = start.length;
  }

  get high(): string {
    return this.start.high;
  }

  append(expectedSeq: number, fence: LeaseFence, records: readonly LogRecord[]): Promise<void> {
    if (this.closing)
      return Promise.reject(new Error(`the log of conversation ${this.conversationId} is closed`));
    if (expectedSeq !== this.acceptedLength) {
      return Promise.reject(new SequenceConflictError(expectedSeq, this.acceptedLength));
    }
    try {
      assertStorable(records);
    } catch (error) {
      return Promise.reject(error);
    }
    if (records.length === 0) return Promise.resolve();
    this.acceptedLength += records.length;
    const appended = this.parts.appender.append({ target: this, fence, seq: expectedSeq, records });
    this.pending.add(appended);
    const forget = () => void this.pending.delete(appended);
    appended.then(forget, forget);
    return appended;
  }

  stored(records: readonly LogRecord[]): void {
    this.grow(records);
  }

  refused(seq: number): void {
    this.acceptedLength = seq;
  }

  override close(): Promise<void> {
    this.closing ??= this.finish();
    return this.closing;
  }

  /** What is in doubt after the time limit stays so: the database is away, and the server may have to end. */
  private async finish(): Promise<void> {
    const settled = Promise.allSettled([...this.pending]);
    if (!(await settlesWithin(settled, this.parts.database.timeoutMs))) this.parts.appender.abandon(this);
    await super.close();
  }
}
