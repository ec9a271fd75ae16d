import type { LeaseFence } from './lease-store.js';

/** The fields of an event that searches use without parsing its line. */
export interface EventIndexEntry {
  id: string;
  kind: string;
  source: string;
  timestamp: string;
}

/** Conditions on the fields of an event. All given conditions must match. */
export interface EntryFilter {
  kind?: string;
  /** Any kind but this one. */
  notKind?: string;
  source?: string;
  /** In the format of event timestamps: compared as strings. */
  timestampGte?: string;
  timestampLt?: string;
}

/**
 * The part of a log to search: from event `from` up or down, only events below `length`, at most `limit`
 * matches. It may begin outside the log.
 */
export interface LogRange {
  from: number;
  descending: boolean;
  length: number;
  limit: number;
}

/** An event to append. */
export interface LogRecord extends EventIndexEntry {
  /** One line of JSON without the newline. */
  line: string;
  /** The line in UTF-8. The log sets it for large lines, so that others need not encode them again. */
  bytes?: Buffer;
}

/** Reads the durable events of one conversation. Needs no lease. */
export abstract class LogReader {
  /**
   * The number of durable events that this reader knows. It grows with appends of the same `EventLog`; what
   * other servers append later is not seen.
   */
  abstract readonly length: number;

  /** The timestamp of the last durable event; empty for an empty log. */
  abstract readonly lastTimestamp: string;

  /** The lines of up to `limit` events from `fromSeq` on. */
  abstract read(fromSeq: number, limit: number): Promise<string[]>;

  /** Like `read`, in UTF-8 and of at most `bytes` bytes in all, but at least one line if there is one. */
  abstract readBytes(fromSeq: number, limit: number, bytes: number): Promise<Buffer[]>;

  /** The lines with these sequence numbers, in the given order. */
  abstract readMany(seqs: readonly number[]): Promise<string[]>;

  /** Like `readMany`, as UTF-8 joined by commas: the items of a JSON array, without decoding them. */
  abstract readItems(seqs: readonly number[]): Promise<Buffer>;

  /** Splits sequence numbers into groups whose lines have at most `bytes` bytes, or are a single line. */
  abstract splitByBytes(seqs: readonly number[], bytes: number): Promise<number[][]>;

  /** The searchable fields of up to `limit` events from `fromSeq` on. */
  abstract entries(fromSeq: number, limit: number): Promise<EventIndexEntry[]>;

  /** The searchable fields of one event. @throws RangeError beyond the log */
  abstract entry(seq: number): Promise<EventIndexEntry>;

  /** The sequence numbers of the matching events, in the order of the search. */
  abstract select(filter: EntryFilter, range: LogRange): Promise<number[]>;

  /** How many of the first `length` events match. */
  abstract count(filter: EntryFilter, length: number): Promise<number>;

  /** The sequence number of an event id, or undefined. */
  abstract seqOf(id: string): Promise<number | undefined>;

  /** As `seqOf` for many, in the given order. */
  abstract seqsOf(ids: readonly string[]): Promise<(number | undefined)[]>;

  /** Releases what the reader holds. Idempotent. */
  abstract close(): Promise<void>;
}

/**
 * The append-only log of one conversation, opened by the holder of its lease. Events are numbered from 0
 * without gaps. An append resolves only when its bytes are durable.
 */
export abstract class EventLog extends LogReader {
  /**
   * Appends records and resolves when they are durable. Pending appends share one flush. Calls may overlap:
   * `expectedSeq` is the number of records that were accepted before, durable or not.
   * @throws SequenceConflictError when `expectedSeq` is not the next number
   * @throws LeaseLostError when the fence is no longer the valid one
   * @throws StorageFailedError when the storage cannot be written; the records are not stored, also not later
   */
  abstract append(expectedSeq: number, fence: LeaseFence, records: readonly LogRecord[]): Promise<void>;

  /**
   * Flushes and releases what the log holds. Idempotent.
   * @param next `removed` if the log will be deleted: then nothing is saved for the next reader
   */
  abstract override close(next?: 'kept' | 'removed'): Promise<void>;
}

/** A log that grows by the appends of somebody else. */
export interface FollowedLog {
  /** The number of durable events that are known. */
  readonly length: number;
  /** Looks for what was appended since. What is known is not read again, unless it is another log now. */
  refresh(): Promise<void>;
  read(fromSeq: number, limit: number): Promise<string[]>;
  seqOf(id: string): Promise<number | undefined>;
  close(): Promise<void>;
}

/** Opens logs. */
export abstract class EventLogStore {
  /** Opens or creates the log of a conversation for its owner. A torn last line is dropped and logged. */
  abstract open(conversationId: string): Promise<EventLog>;
  /** Opens a log for reading. A log that does not exist is empty. */
  abstract read(conversationId: string): Promise<LogReader>;

  /** Opens a log that somebody else appends to. */
  async follow(conversationId: string): Promise<FollowedLog> {
    let log = await this.read(conversationId);
    return {
      get length() {
        return log.length;
      },
      refresh: async () => {
        const before = log;
        log = await this.read(conversationId);
        await before.close();
      },
      read: (fromSeq, limit) => log.read(fromSeq, limit),
      seqOf: (id) => log.seqOf(id),
      close: () => log.close(),
    };
  }
}
