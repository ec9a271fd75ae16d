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
import { LeaseLostError, SequenceConflictError, toFileError } from '../../storage-errors.js';
import type { LogFile } from './log-file.js';
import { LogLines } from './log-lines.js';
import { FOREIGN_LOG } from './log-bounds.js';
import { MAX_LINE_BYTES } from './log-scan.js';

/** Shared by all logs, to save memory. */
const logger = new Logger('EventLog');

/** Maximum text of one flush (UTF-16 units), to bound its buffers. */
const MAX_TEXT_PER_FLUSH = 8 * 1024 * 1024;

/** How errors name the file. */
const FILE_NAME_IN_ERRORS = 'its log';

const NEWLINE = 10;
/** Text that is encoded before yielding (UTF-16 units). */
const CHUNK_LENGTH = 256 * 1024;

/** An append that is not durable yet. */
interface PendingAppend {
  seq: number;
  fence: LeaseFence;
  records: readonly LogRecord[];
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * The log of one conversation in `events.jsonl`. Appends that arrive during a flush share the next one. A
 * failed flush rejects all pending appends, and the file is truncated to its durable length before the next
 * write.
 */
export class FileEventLog extends EventLog {
  private readonly pending: PendingAppend[] = [];
  private flushing: Promise<void> | undefined;
  private acceptedLength: number;
  private closing: Promise<void> | undefined;
  /** The fence of the owner for which the file is open for writing. */
  private writer: LeaseFence | undefined;
  /** Bytes of a failed append may follow the durable ones. */
  private needsTruncation = false;

  private constructor(
    private readonly conversationId: string,
    private readonly file: LogFile,
    private readonly lines: LogLines,
  ) {
    super();
    this.acceptedLength = lines.length;
  }

  /**
   * Opens a log. If the file is missing the log is empty, and the first append creates the file.
   * @param isForeign somebody else writes it, see `FOREIGN_LOG`
   */
  static async open(
    conversationId: string,
    file: LogFile,
    { isForeign = false } = {},
  ): Promise<FileEventLog> {
    const lines = new LogLines(conversationId, file, isForeign ? FOREIGN_LOG : undefined);
    try {
      if (!isMissing(file.path) && !(await lines.loadIndex())) await lines.scan();
    } catch (error) {
      await file.close();
      if (errorCode(error) !== 'ENOENT') throw toFileError(conversationId, FILE_NAME_IN_ERRORS, error);
    }
    return new FileEventLog(conversationId, file, lines);
  }

  override get length(): number {
    return this.lines.length;
  }

  override get lastTimestamp(): string {
    const { length } = this.lines;
    return length === 0 ? '' : this.lines.entry(length - 1).timestamp;
  }

  override append(expectedSeq: number, fence: LeaseFence, records: readonly LogRecord[]): Promise<void> {
    if (this.closing) return Promise.reject(this.closedError());
    if (expectedSeq !== this.acceptedLength) {
      return Promise.reject(new SequenceConflictError(expectedSeq, this.acceptedLength));
    }
    if (records.some(({ line }) => line.includes('\n') || isTooLong(line))) {
      return Promise.reject(new TypeError('an event must be a single line of at most 64 MiB'));
    }
    this.acceptedLength += records.length;
    return new Promise((resolve, reject) => {
      this.pending.push({ seq: expectedSeq, fence, records, resolve, reject });
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

  override splitByBytes(seqs: readonly number[], bytes: number): Promise<number[][]> {
    return Promise.resolve(this.lines.splitByBytes(seqs, bytes));
  }

  override entry(seq: number): Promise<EventIndexEntry> {
    try {
      return Promise.resolve(this.lines.entry(seq));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  override entries(fromSeq: number, limit: number): Promise<EventIndexEntry[]> {
    return Promise.resolve(this.lines.entries(fromSeq, limit));
  }

  override select(filter: EntryFilter, range: LogRange): Promise<number[]> {
    return Promise.resolve(
      this.lines.select(filter, { ...range, length: Math.min(range.length, this.length) }),
    );
  }

  override async count(filter: EntryFilter, length: number): Promise<number> {
    const range = { from: 0, descending: false, length, limit: length };
    return (await this.select(filter, range)).length;
  }

  override seqOf(id: string): Promise<number | undefined> {
    return Promise.resolve(this.lines.seqOf(id));
  }

  override seqsOf(ids: readonly string[]): Promise<(number | undefined)[]> {
    return Promise.resolve(ids.map((id) => this.lines.seqOf(id)));
  }

  override close(next: 'kept' | 'removed' = 'kept'): Promise<void> {
    this.closing ??= this.doClose(next);
    return this.closing;
  }

  private async doClose(next: 'kept' | 'removed'): Promise<void> {
    await this.flushing;
    try {
      // Only the owner may write into the folder.
      const isOwner = this.writer?.isValid() === true;
      if (next === 'kept' && isOwner && !this.needsTruncation) await this.lines.saveIndex();
    } catch (error) {
      logger.debug(`conversation ${this.conversationId}: no index of its log: ${errorMessage(error)}`);
    }
    await this.file.close();
  }

  private async flushAll(): Promise<void> {
    while (this.pending.length > 0) {
      const batch = this.takeBatch();
      try {
        await this.flush(batch);
        for (const { resolve } of batch) resolve();
      } catch (error) {
        await this.truncateToDurable();
        // Later appends expect sequence numbers that depend on this batch.
        const failed = [...batch, ...this.pending.splice(0)];
        this.acceptedLength = this.lines.length;
        for (const { reject } of failed) reject(toFileError(this.conversationId, FILE_NAME_IN_ERRORS, error));
      }
    }
    this.flushing = undefined;
  }

  /** The pending appends that share the next flush: of the same owner, and limited in size. */
  private takeBatch(): PendingAppend[] {
    const fence = this.pending[0]?.fence;
    let text = 0;
    const end = this.pending.findIndex((append, index) => {
      for (const { line } of append.records) text += line.length;
      return index > 0 && (append.fence !== fence || text > MAX_TEXT_PER_FLUSH);
    });
    return this.pending.splice(0, end === -1 ? this.pending.length : end);
  }

  private async flush(batch: readonly PendingAppend[]): Promise<void> {
    const first = batch[0];
    if (!first) return;
    const { fence } = first;
    const records = batch.flatMap((append) => append.records);
    const text = records.reduce((sum, { line }) => sum + line.length, 0);
    const encoded = text < CHUNK_LENGTH ? encodeSync(records) : await encode(records);
    if (!fence.isValid()) await this.confirm(fence);
    if (this.writer !== fence) await this.openForWriting(fence);
    if (first.seq !== this.lines.length) throw new SequenceConflictError(first.seq, this.lines.length);
    if (this.needsTruncation) await this.file.truncate(this.lines.byteLength);
    if (records.length === 0) return;
    this.needsTruncation = true;
    await this.file.write(encoded.pieces, this.lines.byteLength);
    // The process may have been frozen during the write: acknowledge only what was written under a valid
    // lease.
    if (!fence.isValid()) await this.confirm(fence);
    this.needsTruncation = false;
    let end = this.lines.byteLength;
    for (const [index, record] of records.entries()) {
      end += encoded.lengths[index] ?? 0;
      this.lines.push(record, end);
    }
    meters.eventsAppended.add(records.length);
  }

  private async confirm(fence: LeaseFence): Promise<void> {
    if (await fence.confirm()) return;
    // The file now belongs to the next owner: do not truncate it.
    this.writer = undefined;
    this.needsTruncation = false;
    throw new LeaseLostError(this.conversationId);
  }

  /** Before the first append of an owner: an earlier owner may have written since the file was scanned. */
  private async openForWriting(fence: LeaseFence): Promise<void> {
    await this.file.reopenForWriting();
    await this.lines.catchUp();
    this.needsTruncation = false;
    this.writer = fence;
  }

  /** Removes the bytes of a failed append. If that fails too, the next append tries again first. */
  private async truncateToDurable(): Promise<void> {
    if (!this.needsTruncation) return;
    try {
      await this.file.truncate(this.lines.byteLength);
      this.needsTruncation = false;
    } catch (error) {
      logger.error(`conversation ${this.conversationId}: the log cannot be truncated: ${String(error)}`);
    }
  }

  private readonly rethrow = (error: unknown): never => {
    throw toFileError(this.conversationId, FILE_NAME_IN_ERRORS, error);
  };

  private closedError(): Error {
    return new Error(`the log of conversation ${this.conversationId} is closed`);
  }
}

function isTooLong(line: string): boolean {
  // A UTF-16 unit has at most three bytes in UTF-8: almost no line needs to be measured.
  return line.length * 3 >= MAX_LINE_BYTES && Buffer.byteLength(line) >= MAX_LINE_BYTES;
}

/** Encoded records. */
interface Encoded {
  pieces: Buffer[];
  /** Length of each line with its newline (bytes). */
  lengths: number[];
}

/**
 * Encodes records in time slices: ten megabytes at once would block the event loop for 25 ms. Large lines
 * keep their bytes in the record.
 */
async function encode(records: readonly LogRecord[]): Promise<Encoded> {
  for (const record of records) {
    if (!isLarge(record.line.length)) continue;
    // Serialising the event took long already: yield first.
    await afterLarge(record.line.length);
    record.bytes = Buffer.from(record.line);
  }
  return inSlices(encodeInChunks(records));
}

function encodeSync(records: readonly LogRecord[]): Encoded {
  const encoded: Encoded = { pieces: [], lengths: [] };
  encodeChunk(records, encoded);
  return encoded;
}

/** Large lines keep their own buffers; the others are copied into shared ones. */
function* encodeInChunks(records: readonly LogRecord[]): Generator<void, Encoded> {
  const encoded: Encoded = { pieces: [], lengths: [] };
  let part: LogRecord[] = [];
  let text = 0;
  for (const record of records) {
    part.push(record);
    text += record.bytes ? 0 : record.line.length;
    if (text < CHUNK_LENGTH) continue;
    encodeChunk(part, encoded);
    part = [];
    text = 0;
    yield;
  }
  encodeChunk(part, encoded);
  return encoded;
}

function encodeChunk(records: readonly LogRecord[], { pieces, lengths }: Encoded): void {
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
