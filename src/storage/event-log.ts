import type { LeaseFence } from './lease-store.js';

/** What searches need of an event without parsing its line. */
export interface EventIndexEntry {
  id: string;
  kind: string;
  source: string;
  timestamp: string;
}

/** What the searchable fields of an event have to be; all that is given must match. */
export interface EntryFilter {
  kind?: string;
  source?: string;
  /** As event timestamps are: they are compared as texts. */
  timestampGte?: string;
  timestampLt?: string;
}

/**
 * Where to look: from one event on, upwards or downwards, among those below `length`, until so many are
 * found.
 */
export interface LogRange {
  from: number;
  descending: boolean;
  length: number;
  limit: number;
}

/** An event on its way into the log. */
export interface LogRecord extends EventIndexEntry {
  /** One line of JSON without the newline. */
  line: string;
  /** The same in UTF-8: the log puts it here where the line is large, so that nobody has to make it again. */
  bytes?: Buffer;
}

/**
 * The append-only log of one conversation. Events are numbered from 0 without gaps. Implementations are
 * async, know no HTTP, and answer an append only when its bytes are durable.
 */
export abstract class EventLog {
  /** How many events are durable: the next sequence number. */
  abstract readonly length: number;

  /**
   * Appends records. Resolves when they are durable (appends waiting at that moment share one flush). Calls
   * may overlap: `expectedSeq` counts records already handed in, durable or not.
   * @throws SequenceConflictError when `expectedSeq` is not the next number
   * @throws LeaseLostError when the fence is no longer the valid one
   */
  abstract append(expectedSeq: number, fence: LeaseFence, records: readonly LogRecord[]): Promise<void>;

  /** The lines of `limit` events from `fromSeq` on; fewer at the end. Only durable events are seen. */
  abstract read(fromSeq: number, limit: number): Promise<string[]>;

  /**
   * The same as UTF-8, for who sends them on: as many as come to so many bytes, but at least one if there is
   * one.
   */
  abstract readBytes(fromSeq: number, limit: number, bytes: number): Promise<Buffer[]>;

  /** The lines with these sequence numbers, in the order asked. */
  abstract readMany(seqs: readonly number[]): Promise<string[]>;

  /**
   * The same as UTF-8 with commas between them, as they stand in a JSON array: an answer needs no texts made
   * of them.
   */
  abstract readItems(seqs: readonly number[]): Promise<Buffer>;

  /** Sequence numbers in parts: the lines of each come to at most so many bytes, or it is one line. */
  abstract partsOf(seqs: readonly number[], bytes: number): number[][];

  /** The searchable fields of one durable event. */
  abstract entry(seq: number): EventIndexEntry;

  /** The sequence numbers of the events that match, in the order in which they were come by. */
  abstract select(filter: EntryFilter, range: LogRange): number[];

  /** The sequence number of an event id, or undefined. */
  abstract seqOf(id: string): number | undefined;

  /**
   * Flushes and releases the file. Idempotent.
   * @param next what becomes of the log: nothing is done for its next reader where it is to be removed
   */
  abstract close(next?: 'kept' | 'removed'): Promise<void>;
}

/** Opens logs. */
export abstract class EventLogStore {
  /** Opens (or creates) the log of a conversation; cuts a torn last line and reports it. */
  abstract open(conversationId: string): Promise<EventLog>;
}
