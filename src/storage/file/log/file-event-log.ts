import { Logger } from '@nestjs/common';
import { errorCode, errorMessage } from '../../../errors/index.js';
import { isMissing } from '../../../files/index.js';
import { afterLarge, inSlices, isLarge } from '../../../flow/index.js';
import { meters } from '../../../meters/index.js';
import {
  EventLog,
  type EntryFilter,
  type EventIndexEntry,
  type LogRange,
  type LogRecord,
} from '../../event-log.js';
import type { LeaseFence } from '../../lease-store.js';
import { LeaseLostError, SequenceConflictError, unusableFile } from '../../storage-errors.js';
import type { LogFile } from './log-file.js';
import { LogLines } from './log-lines.js';
import { LONGEST_LINE_BYTES } from './log-scan.js';

/** One for all: each conversation that is open would keep its own. */
const logger = new Logger('EventLog');

/**
 * One flush takes no more text than this (UTF-16 units), so that what is copied or held for it stays small.
 */
const MOST_TEXT_PER_FLUSH = 8 * 1024 * 1024;

/** What it is called in errors. */
const LOG = 'its log';

const NEWLINE = 10;
/** So much text is encoded in a part (UTF-16 units). */
const CHUNK_BYTES = 256 * 1024;

/** An append that has not been answered. */
interface Waiting {
  seq: number;
  fence: LeaseFence;
  records: readonly LogRecord[];
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * The log of one conversation in `events.jsonl`. Appends that wait while one is flushed share the next flush.
 * A failed flush fails all that wait, and the file is cut back to what was durable before anything else is
 * written.
 */
export class FileEventLog extends EventLog {
  private readonly waiting: Waiting[] = [];
  private flushing: Promise<void> | undefined;
  private handedIn: number;
  private closing: Promise<void> | undefined;
  /** The fence under which the file is open for writing. */
  private writer: LeaseFence | undefined;
  /** Whether bytes of a failed append may stand behind the durable ones. */
  private untidy = false;

  private constructor(
    private readonly conversationId: string,
    private readonly file: LogFile,
    private readonly lines: LogLines,
  ) {
    super();
    this.handedIn = lines.length;
  }

  /** Reads what is there. Without a file the log is empty, and the first append creates it. */
  static async open(conversationId: string, file: LogFile): Promise<FileEventLog> {
    const lines = new LogLines(conversationId, file);
    try {
      if (!isMissing(file.path) && !(await lines.restore())) await lines.scan();
    } catch (error) {
      await file.close();
      if (errorCode(error) !== 'ENOENT') throw unusableFile(conversationId, LOG, error);
    }
    return new FileEventLog(conversationId, file, lines);
  }

  override get length(): number {
    return this.lines.length;
  }

  override append(expectedSeq: number, fence: LeaseFence, records: readonly LogRecord[]): Promise<void> {
    if (this.closing) return Promise.reject(this.closedError());
    if (expectedSeq !== this.handedIn) {
      return Promise.reject(new SequenceConflictError(expectedSeq, this.handedIn));
    }
    if (records.some(({ line }) => line.includes('\n') || isTooLong(line))) {
      return Promise.reject(new TypeError('an event must be one line of a length that can be read back'));
    }
    this.handedIn += records.length;
    return new Promise((resolve, reject) => {
      this.waiting.push({ seq: expectedSeq, fence, records, resolve, reject });
      this.flushing ??= this.flushAll();
    });
  }

  override async read(fromSeq: number, limit: number): Promise<string[]> {
    if (this.closing) throw this.closedError();
    return this.lines.read(fromSeq, limit).catch(this.rethrow);
  }

  override async readBytes(fromSeq: number, limit: number, bytes: number): Promise<Buffer[]> {
    if (this.closing) throw this.closedError();
    return this.lines.readBytes(fromSeq, limit, bytes).catch(this.rethrow);
  }

  override async readMany(seqs: readonly number[]): Promise<string[]> {
    if (this.closing) throw this.closedError();
    return this.lines.readMany(seqs).catch(this.rethrow);
  }

  override async readItems(seqs: readonly number[]): Promise<Buffer> {
    if (this.closing) throw this.closedError();
    return this.lines.readItems(seqs).catch(this.rethrow);
  }

  override partsOf(seqs: readonly number[], bytes: number): number[][] {
    return this.lines.partsOf(seqs, bytes);
  }

  override entry(seq: number): EventIndexEntry {
    return this.lines.entry(seq);
  }

  override select(filter: EntryFilter, range: LogRange): number[] {
    return this.lines.select(filter, { ...range, length: Math.min(range.length, this.length) });
  }

  override seqOf(id: string): number | undefined {
    return this.lines.seqOf(id);
  }

  override close(next: 'kept' | 'removed' = 'kept'): Promise<void> {
    this.closing ??= this.end(next);
    return this.closing;
  }

  private async end(next: 'kept' | 'removed'): Promise<void> {
    await this.flushing;
    try {
      // Others own the folder as soon as this one does not.
      const isOwner = this.writer?.isValid() === true;
      if (next === 'kept' && isOwner && !this.untidy) await this.lines.keep();
    } catch (error) {
      logger.debug(`conversation ${this.conversationId}: no index of its log: ${errorMessage(error)}`);
    }
    await this.file.close();
  }

  private async flushAll(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.takeBatch();
      try {
        await this.flush(batch);
        for (const { resolve } of batch) resolve();
      } catch (error) {
        await this.cutBack();
        // Those that came meanwhile counted on numbers which now will not be given.
        const failed = [...batch, ...this.waiting.splice(0)];
        this.handedIn = this.lines.length;
        for (const { reject } of failed) reject(unusableFile(this.conversationId, LOG, error));
      }
    }
    this.flushing = undefined;
  }

  /**
   * The next appends that share a flush: all that wait, as long as they come from one owner and are not huge.
   */
  private takeBatch(): Waiting[] {
    const fence = this.waiting[0]?.fence;
    let text = 0;
    const end = this.waiting.findIndex((append, index) => {
      for (const { line } of append.records) text += line.length;
      return index > 0 && (append.fence !== fence || text > MOST_TEXT_PER_FLUSH);
    });
    return this.waiting.splice(0, end === -1 ? this.waiting.length : end);
  }

  private async flush(batch: readonly Waiting[]): Promise<void> {
    const first = batch[0];
    if (!first) return;
    const { fence } = first;
    const records = batch.flatMap((append) => append.records);
    const text = records.reduce((sum, { line }) => sum + line.length, 0);
    const encoded = text < CHUNK_BYTES ? encodeNow(records) : await encode(records);
    if (!fence.isValid()) await this.confirm(fence);
    if (this.writer !== fence) await this.adopt(fence);
    if (first.seq !== this.lines.length) throw new SequenceConflictError(first.seq, this.lines.length);
    if (this.untidy) await this.file.truncate(this.lines.byteLength);
    if (records.length === 0) return;
    this.untidy = true;
    await this.file.write(encoded.pieces, this.lines.byteLength);
    // The process may have been frozen while it wrote; only what was written under a lease is acknowledged.
    if (!fence.isValid()) await this.confirm(fence);
    this.untidy = false;
    let end = this.lines.byteLength;
    for (const [index, record] of records.entries()) {
      end += encoded.lengths[index] ?? 0;
      this.lines.push(record, end);
    }
    meters.eventsAppended.add(records.length);
  }

  private async confirm(fence: LeaseFence): Promise<void> {
    if (await fence.confirm()) return;
    // Whatever stands in the file now is the business of the next owner.
    this.writer = undefined;
    this.untidy = false;
    throw new LeaseLostError(this.conversationId);
  }

  /** The first append of an owner: an earlier owner may have written since the file was read. */
  private async adopt(fence: LeaseFence): Promise<void> {
    await this.file.reopenForWriting();
    await this.lines.catchUp();
    this.untidy = false;
    this.writer = fence;
  }

  /**
   * Removes what a failed append has left in the file. When that fails too, the next append tries again
   * first.
   */
  private async cutBack(): Promise<void> {
    if (!this.untidy) return;
    try {
      await this.file.truncate(this.lines.byteLength);
      this.untidy = false;
    } catch (error) {
      logger.error(`conversation ${this.conversationId}: the log cannot be cut back: ${String(error)}`);
    }
  }

  private readonly rethrow = (error: unknown): never => {
    throw unusableFile(this.conversationId, LOG, error);
  };

  private closedError(): Error {
    return new Error(`the log of conversation ${this.conversationId} is closed`);
  }
}

function isTooLong(line: string): boolean {
  // No character takes more than three bytes: almost all lines need not be measured.
  return line.length * 3 >= LONGEST_LINE_BYTES && Buffer.byteLength(line) >= LONGEST_LINE_BYTES;
}

/** The bytes of records as they stand in a log. */
interface Encoded {
  pieces: Buffer[];
  /** Of each line, its newline included (bytes). */
  lengths: number[];
}

/**
 * Makes the bytes of records, in slices: ten megabytes in one piece would hold everything up for 25 ms. Large
 * lines keep theirs.
 */
async function encode(records: readonly LogRecord[]): Promise<Encoded> {
  for (const record of records) {
    if (!isLarge(record.line.length)) continue;
    // Making the text was a long turn already.
    await afterLarge(record.line.length);
    record.bytes = Buffer.from(record.line);
  }
  return inSlices(encodeAll(records));
}

function encodeNow(records: readonly LogRecord[]): Encoded {
  const encoded: Encoded = { pieces: [], lengths: [] };
  encodePart(records, encoded);
  return encoded;
}

/** The bytes of large lines are not copied, those of the others stand one behind the other. */
function* encodeAll(records: readonly LogRecord[]): Generator<void, Encoded> {
  const encoded: Encoded = { pieces: [], lengths: [] };
  let part: LogRecord[] = [];
  let text = 0;
  for (const record of records) {
    part.push(record);
    text += record.bytes ? 0 : record.line.length;
    if (text < CHUNK_BYTES) continue;
    encodePart(part, encoded);
    part = [];
    text = 0;
    yield;
  }
  encodePart(part, encoded);
  return encoded;
}

function encodePart(records: readonly LogRecord[], { pieces, lengths }: Encoded): void {
  const sizes = records.map(({ line, bytes }) => (bytes?.length ?? Buffer.byteLength(line)) + 1);
  for (const size of sizes) lengths.push(size);
  const small = records.reduce((size, { bytes }, index) => size + (bytes ? 1 : (sizes[index] ?? 0)), 0);
  const space = Buffer.allocUnsafe(small);
  let [from, at] = [0, 0];
  for (const { line, bytes } of records) {
    if (bytes) {
      if (at > from) pieces.push(space.subarray(from, at));
      pieces.push(bytes);
      from = at;
    } else {
      at += space.write(line, at);
    }
    space[at++] = NEWLINE;
  }
  if (at > from) pieces.push(space.subarray(from, at));
}
