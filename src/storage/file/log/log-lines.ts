import { isUtf8 } from 'node:buffer';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { EntryFilter, EventIndexEntry, LogRange } from '../../event-log.js';
import { forEachBounded, inSlices, isLarge, turnForLine } from '../../../flow/index.js';
import { decodeInParts } from '../../../text/index.js';
import { INDEX_FILE } from '../conversation-folder.js';
import { createPlaceholder } from './damaged-line.js';
import { PackedEvent } from './event-line.js';
import { EventIndex } from '../index/event-index.js';
import { readIndex, writeIndex } from '../index/index-file.js';
import { assertWithin, type LogBounds } from './log-bounds.js';
import type { LogFile } from './log-file.js';
import { scanLog, type ScannedLine } from './log-scan.js';
import { TICK_MS } from '../settled-stamp.js';

/** Shared by all logs, to save memory. */
const logger = new Logger('EventLog');

/** Lines with smaller gaps between them are read in one call. */
const MAX_GAP_BYTES = 16 * 1024;
const MAX_PARALLEL_READS = 4;
const COMMA = 44;
const SEPARATOR = Buffer.from(',');
/** Scanning fewer events takes no longer than loading an index. */
const MIN_INDEXED_EVENTS = 500;
/** Time after which the stamp of a changed file is settled (ms). */
const SETTLED_AFTER_MS = TICK_MS + 10;

/** The bytes of a line, without its newline. */
interface Piece {
  bytes: Buffer;
  start: number;
  end: number;
}

const EMPTY_PIECE: Piece = { bytes: Buffer.alloc(0), start: 0, end: 0 };

/** The lines of one log: their offsets in the file, their fields and their text. */
export class LogLines {
  private index = new EventIndex();
  /** Placeholder events for damaged lines, by seq. */
  private damaged: Map<number, string> | undefined;
  /** Bytes after the last valid line when the file was scanned. */
  private torn = 0;

  /** Lines that take more memory than others. */
  private unusual = 0;

  constructor(
    private readonly conversationId: string,
    private readonly file: LogFile,
    /** Undefined: this server has written the log itself. */
    private readonly bounds?: LogBounds,
  ) {}

  get length(): number {
    return this.index.length;
  }

  get byteLength(): number {
    return this.index.byteLength;
  }

  /** Adds a line that was written. */
  push(entry: EventIndexEntry, end: number): void {
    this.index.push(entry, end);
  }

  entry(seq: number): EventIndexEntry {
    return this.index.entry(seq);
  }

  /** Like `EventLog.entries`. */
  entries(fromSeq: number, limit: number): EventIndexEntry[] {
    const from = Math.max(0, fromSeq);
    const count = Math.max(0, Math.min(from + limit, this.length) - from);
    return Array.from({ length: count }, (_, index) => this.index.entry(from + index));
  }

  select(filter: EntryFilter, range: LogRange): number[] {
    return this.index.select(filter, range);
  }

  seqOf(id: string): number | undefined {
    return this.index.seqOf(id);
  }

  read(fromSeq: number, limit: number): Promise<string[]> {
    const from = Math.max(0, fromSeq);
    const count = Math.max(0, Math.min(from + limit, this.length) - from);
    return this.readMany(Array.from({ length: count }, (_, index) => from + index));
  }

  async readMany(seqs: readonly number[]): Promise<string[]> {
    const found = await this.readPieces(seqs);
    const lines: string[] = [];
    for (const seq of seqs) {
      const { bytes, start, end } = found.get(seq) ?? EMPTY_PIECE;
      const isSmall = !isLarge(end - start);
      const turn = turnForLine();
      if (turn) await turn;
      lines.push(
        isSmall ? bytes.toString('utf8', start, end) : await decodeLargeLine(bytes.subarray(start, end)),
      );
    }
    return lines;
  }

  /** Like `EventLog.readBytes`. */
  async readBytes(fromSeq: number, limit: number, bytes: number): Promise<Buffer[]> {
    const from = Math.max(0, fromSeq);
    const end = Math.min(from + limit, this.length);
    let to = Math.min(from + 1, end);
    while (to < end && this.index.startOf(to + 1) - this.index.startOf(from) <= bytes) to += 1;
    const seqs = Array.from({ length: to - from }, (_, index) => from + index);
    const found = await this.readPieces(seqs);
    return seqs.map((seq) => {
      const piece = found.get(seq) ?? EMPTY_PIECE;
      const line = piece.bytes.subarray(piece.start, piece.end);
      // A damaged line may be invalid UTF-8; a socket frame must not.
      return isUtf8(line) ? line : Buffer.from(line.toString('utf8'));
    });
  }

  /** Like `EventLog.splitByBytes`. */
  splitByBytes(seqs: readonly number[], bytes: number): number[][] {
    const parts: number[][] = [];
    let size = 0;
    for (const seq of seqs) {
      const length = this.index.startOf(seq + 1) - this.index.startOf(seq);
      const part = parts.at(-1);
      if (part !== undefined && size + length <= bytes) part.push(seq);
      else parts.push([seq]);
      size = parts.at(-1) === part ? size + length : length;
    }
    return parts;
  }

  async readItems(seqs: readonly number[]): Promise<Buffer> {
    const joined = this.isContiguous(seqs) ? await this.readContiguous(seqs) : await this.joinPieces(seqs);
    // A damaged line may be invalid UTF-8; an answer must not.
    return isUtf8(joined) ? joined : Buffer.from(joined.toString('utf8'));
  }

  /** Consecutive lines of a log without damage, as in most pages. */
  private isContiguous(seqs: readonly number[]): boolean {
    const [first] = seqs;
    return (
      first !== undefined &&
      first >= 0 &&
      this.damaged === undefined &&
      seqs.every((seq, index) => seq === first + index && seq < this.length)
    );
  }

  /** Reads them in one call and replaces the newlines by commas. */
  private async readContiguous(seqs: readonly number[]): Promise<Buffer> {
    const from = seqs[0] ?? 0;
    const to = from + seqs.length;
    const offset = this.index.startOf(from);
    const bytes = await this.file.read(offset, this.index.startOf(to) - 1);
    for (let seq = from + 1; seq < to; seq += 1) bytes[this.index.startOf(seq) - offset - 1] = COMMA;
    return bytes;
  }

  private async joinPieces(seqs: readonly number[]): Promise<Buffer> {
    const found = await this.readPieces(seqs);
    const pieces = seqs.flatMap((seq) => {
      const { bytes, start, end } = found.get(seq) ?? EMPTY_PIECE;
      return [SEPARATOR, bytes.subarray(start, end)];
    });
    return Buffer.concat(pieces.slice(1));
  }

  /** Loads the saved index, if there is one for the current content of the log that can be trusted. */
  async loadIndex(): Promise<boolean> {
    if (this.bounds) return false;
    const { stamp } = await this.file.stamp();
    const index = await readIndex(this.indexFile, stamp);
    if (index === undefined) return false;
    this.index = index;
    return true;
  }

  /**
   * Saves an index for the next reader of the log. Skips short logs, which are scanned as fast, and logs that
   * are damaged or that another process has changed, which must be scanned each time.
   */
  async saveIndex(): Promise<void> {
    if (this.length < MIN_INDEXED_EVENTS || this.damaged !== undefined || this.torn > 0) return;
    let now = await this.file.stamp();
    if (now.isOwn && !now.isSettled) {
      await delay(SETTLED_AFTER_MS);
      now = await this.file.stamp();
    }
    const isKnown = now.isOwn && now.isSettled && now.size === this.byteLength;
    if (isKnown) await writeIndex(this.indexFile, now.stamp, this.index);
  }

  private get indexFile(): string {
    return path.join(path.dirname(this.file.path), INDEX_FILE);
  }

  /**
   * Reads the lines after the known ones. A torn end is skipped and logged; it stays in the file until an
   * owner writes, because another server may be writing it at the moment.
   */
  async scan(): Promise<void> {
    const from = this.byteLength;
    const before = this.damaged?.size ?? 0;
    if (this.bounds) this.bound(await this.file.size(), 0);
    const torn = await this.file.use((fd) => scanLog(fd, from, (line) => this.addScanned(line), this.bound));
    // Somebody else may be writing it at this moment.
    if (torn > 0 && torn !== this.torn && !this.bounds) {
      logger.warn(
        `conversation ${this.conversationId}: cut ${torn} bytes of an unfinished event off the log`,
      );
    }
    this.torn = torn;
    if (this.damaged === undefined || this.damaged.size === before) return;
    const seqs = [...this.damaged.keys()].slice(before, before + 10).join(', ');
    logger.error(
      `conversation ${this.conversationId}: ${this.damaged.size - before} damaged events in the log (${seqs})`,
    );
  }

  /** For the owner of the lease: reads what an earlier owner wrote after `scan`, and truncates a torn end. */
  async catchUp(): Promise<void> {
    const size = await this.file.size();
    if (size < this.byteLength) throw new Error(`${this.file.path} is shorter than it was`);
    if (size === this.byteLength) return;
    await this.scan();
    if (this.torn > 0) await this.file.truncate(this.byteLength);
    this.torn = 0;
  }

  /** Called with what a scan has held back; see `scanLog`. */
  private readonly bound = (end: number, held: number): void => {
    const { bounds, conversationId } = this;
    if (!bounds) return;
    const found = { bytes: end, events: this.length + held, unusual: this.unusual + held };
    assertWithin(bounds, found, conversationId);
  };

  private addScanned({ entry, start, end }: ScannedLine): void {
    const seq = this.length;
    if (!(entry instanceof PackedEvent)) this.unusual += 1;
    if (entry && this.index.push(entry, end)) return;
    if (entry instanceof PackedEvent) this.unusual += 1;
    const { conversationId } = this;
    const timestamp = seq === 0 ? '' : this.index.entry(seq - 1).timestamp;
    const repeats = entry && this.index.seqOf(entry.id);
    const { line, ...fields } = createPlaceholder({ conversationId, seq, start, end, timestamp, repeats });
    this.damaged ??= new Map();
    this.damaged.set(seq, line);
    // Ids must stay unique, because pages are located by id.
    if (entry) this.index.replaceLast(fields);
    else this.index.push(fields, end);
  }

  /** Reads the bytes of lines. Damaged lines are not read: they may be very long. */
  private async readPieces(seqs: readonly number[]): Promise<Map<number, Piece>> {
    const found = new Map<number, Piece>();
    const wanted = new Set(seqs);
    for (const [seq, line] of this.damaged ?? []) {
      if (!wanted.delete(seq)) continue;
      const bytes = Buffer.from(line);
      found.set(seq, { bytes, start: 0, end: bytes.length });
    }
    const ranges = this.mergedRanges(wanted);
    await forEachBounded(ranges, Math.min(MAX_PARALLEL_READS, ranges.length), async ([from, to]) => {
      const offset = this.index.startOf(from);
      const bytes = await this.file.read(offset, this.index.startOf(to));
      for (let seq = from; seq < to; seq += 1) {
        if (!wanted.has(seq)) continue;
        const end = this.index.startOf(seq + 1) - offset - 1;
        found.set(seq, { bytes, start: this.index.startOf(seq) - offset, end });
      }
    });
    return found;
  }

  /** Ranges of lines that cover these seqs; nearby ones are merged. */
  private mergedRanges(seqs: ReadonlySet<number>): [from: number, to: number][] {
    const ranges: [from: number, to: number][] = [];
    for (const seq of [...seqs].sort((a, b) => a - b)) {
      this.index.entry(seq); // throws for a seq that is not in the log
      const last = ranges.at(-1);
      if (last && this.index.startOf(seq) - this.index.startOf(last[1]) < MAX_GAP_BYTES) last[1] = seq + 1;
      else ranges.push([seq, seq + 1]);
    }
    return ranges;
  }
}

async function decodeLargeLine(bytes: Buffer): Promise<string> {
  const parts = await inSlices(decodeInParts(bytes));
  // A damaged line may be invalid UTF-8.
  return parts?.join('') ?? bytes.toString();
}
