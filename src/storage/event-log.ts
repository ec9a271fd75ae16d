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
  source?: string;
  /** In the format of event timestamps: compared as strings. */
  timestampGte?: string;
  timestampLt?: string;
}

/**
 * The part of a log to search: from event `from` up or down, only events below `length`, at most `limit`
 * matches.
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

/**
 * The append-only log of one conversation. Events are numbered from 0 without gaps. An append resolves only
 * when its bytes are durable.
 */
export abstract class EventLog {
  /** The number of durable events. */
  abstract readonly length: number;

  /**
   * Appends records and resolves when they are durable. Pending appends share one flush. Calls may overlap:
   * `expectedSeq` is the number of records that were accepted before, durable or not.
   * @throws SequenceConflictError when `expectedSeq` is not the next number
   * @throws LeaseLostError when the fence is no longer the valid one
   */
  abstract append(expectedSeq: number, fence: LeaseFence, records: readonly LogRecord[]): Promise<void>;

  /** The lines of up to `limit` events from `fromSeq` on. Only durable events are read. */
  abstract read(fromSeq: number, limit: number): Promise<string[]>;

  /** Like `read`, in UTF-8 and of at most `bytes` bytes in all, but at least one line if there is one. */
  abstract readBytes(fromSeq: number, limit: number, bytes: number): Promise<Buffer[]>;

  /** The lines with these sequence numbers, in the given order. */
  abstract readMany(seqs: readonly number[]): Promise<string[]>;

  /** Like `readMany`, as UTF-8 joined by commas: the items of a JSON array, without decoding them. */
  abstract readItems(seqs: readonly number[]): Promise<Buffer>;

  /** Splits sequence numbers into groups whose lines have at most `bytes` bytes, or are a single line. */
  abstract splitByBytes(seqs: readonly number[], bytes: number): number[][];

  /** The searchable fields of one durable event. */
  abstract entry(seq: number): EventIndexEntry;

  /** The sequence numbers of the matching events, in the order of the search. */
  abstract select(filter: EntryFilter, range: LogRange): number[];

  /** The sequence number of an event id, or undefined. */
  abstract seqOf(id: string): number | undefined;

  /**
   * Flushes and releases the file. Idempotent.
   * @param next `removed` if the log will be deleted: then no index is saved for the next reader
   */
  abstract close(next?: 'kept' | 'removed'): Promise<void>;
}

/** Opens logs. */
export abstract class EventLogStore {
  /** Opens or creates the log of a conversation. A torn last line is dropped and logged. */
  abstract open(conversationId: string): Promise<EventLog>;
}
