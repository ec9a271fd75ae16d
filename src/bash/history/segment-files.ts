import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, rm, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { makeFolder } from '../../files/index.js';

/** Bytes after which a new file is begun. */
const SEGMENT_BYTES = 8 * 1024 * 1024;
const SEGMENT_NAME = /^\d{13}-[0-9a-f]{8}\.jsonl$/;
/** Only the owner reads it: output holds whatever commands print. */
const FILE_MODE = 0o600;

/** A file that is being written to. */
interface Segment {
  name: string;
  handle: FileHandle;
  /** Bytes of whole lines. */
  size: number;
}

/** Where a line stands. */
export interface Place {
  segment: string;
  offset: number;
  /** Bytes, without the line end. */
  length: number;
}

/**
 * Lines in a few files of a folder, each written by one server: the oldest can be dropped file by file.
 * Appends must not overlap.
 */
export class SegmentFiles {
  private current: Segment | undefined;

  constructor(private readonly folder: string) {}

  /**
   * Passes every line that there is to `take`, oldest file first. A last line without its end is left out.
   */
  async readAll(take: (line: string, place: Place) => void): Promise<void> {
    const names = await readdir(this.folder).catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    });
    for (const segment of names.filter((name) => SEGMENT_NAME.test(name)).sort()) {
      await eachLine(path.join(this.folder, segment), (line, offset) =>
        take(line.toString(), { segment, offset, length: line.length }),
      );
    }
  }

  /** Adds a line at the end. */
  async append(line: string): Promise<Place> {
    const bytes = Buffer.from(`${line}\n`);
    const current = await this.writable(bytes.length);
    const place = { segment: current.name, offset: current.size, length: bytes.length - 1 };
    try {
      await current.handle.appendFile(bytes);
      current.size += bytes.length;
    } catch (error) {
      await this.cutBack(current);
      throw error;
    }
    return place;
  }

  /** Takes half a line away that a full disk left; where that fails, nothing more goes behind it. */
  private async cutBack({ name, handle, size }: Segment): Promise<void> {
    const isCut = await handle.truncate(size).then(
      () => true,
      () => false,
    );
    if (isCut && size > 0) return;
    await this.close();
    // Every line that is refused would leave a file without anything in it.
    if (size === 0) await rm(path.join(this.folder, name), { force: true });
  }

  /** A line, or undefined when its file is gone. */
  async read({ segment, offset, length }: Place): Promise<string | undefined> {
    const handle = await open(path.join(this.folder, segment)).catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (!handle) return undefined;
    try {
      const buffer = Buffer.alloc(length);
      const { bytesRead } = await handle.read(buffer, 0, length, offset);
      return bytesRead === length ? buffer.toString() : undefined;
    } finally {
      await handle.close();
    }
  }

  /** Removes a file; the one that is written to is closed first. */
  async remove(segment: string): Promise<void> {
    if (this.current?.name === segment) await this.close();
    await rm(path.join(this.folder, segment), { force: true });
  }

  /** Whether a file is being written to. */
  isCurrent(segment: string): boolean {
    return this.current?.name === segment;
  }

  async close(): Promise<void> {
    const { current } = this;
    this.current = undefined;
    await current?.handle.close();
  }

  private async writable(bytes: number) {
    if (this.current && this.current.size + bytes > SEGMENT_BYTES) await this.close();
    if (this.current) return this.current;
    await makeFolder(this.folder);
    const name = `${String(Date.now()).padStart(13, '0')}-${randomBytes(4).toString('hex')}.jsonl`;
    const handle = await open(path.join(this.folder, name), 'ax', FILE_MODE);
    this.current = { name, handle, size: 0 };
    return this.current;
  }
}

/** Each whole line of a file with its offset in bytes. */
async function eachLine(file: string, take: (line: Buffer, offset: number) => void): Promise<void> {
  let offset = 0;
  let pieces: Buffer[] = [];
  for await (const chunk of createReadStream(file)) {
    if (!Buffer.isBuffer(chunk)) continue;
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      const line = Buffer.concat([...pieces, chunk.subarray(start, end)]);
      pieces = [];
      take(line, offset);
      offset += line.length + 1;
      start = end + 1;
    }
    pieces.push(chunk.subarray(start));
  }
}
