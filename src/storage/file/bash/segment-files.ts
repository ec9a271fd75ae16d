import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, rm, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../../errors/index.js';
import { linesOf, makeFolder, tryOpenPlainFile } from '../../../files/index.js';

/** The maximum size of a segment (bytes). */
const SEGMENT_BYTES = 8 * 1024 * 1024;
const SEGMENT_NAME = /^\d{13}-[0-9a-f]{8}\.jsonl$/;
/** Readable by the owner only, because output may contain secrets. */
const FILE_MODE = 0o600;

/** The file that is being written. */
interface Segment {
  name: string;
  handle: FileHandle;
  /** Bytes of complete lines. */
  size: number;
}

/** The location of a line. */
export interface LineLocation {
  segment: string;
  offset: number;
  /** Bytes without the line end. */
  length: number;
}

/**
 * Stores lines in segment files, so that old lines can be removed file by file. Each file is written by one
 * server. Appends must not overlap.
 */
export class SegmentFiles {
  private current: Segment | undefined;

  constructor(private readonly folder: string) {}

  /** Calls `onLine` for every line, oldest file first. An incomplete last line is skipped. */
  async readAll(onLine: (line: string, place: LineLocation) => void): Promise<void> {
    for (const segment of await this.names()) {
      await forEachLine(path.join(this.folder, segment), (line, offset) =>
        onLine(line.toString(), { segment, offset, length: line.length }),
      );
    }
  }

  /**
   * The lines one after the other, oldest file first, of plain files only: others may write to the folder.
   */
  async *lines(): AsyncGenerator<string, void> {
    for (const segment of await this.names()) {
      const file = await tryOpenPlainFile(path.join(this.folder, segment));
      if (!file) continue;
      try {
        yield* linesOf(file);
      } finally {
        await file.handle.close();
      }
    }
  }

  private async names(): Promise<string[]> {
    const names = await readdir(this.folder).catch((error: unknown) => {
      if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return [];
      throw error;
    });
    return names.filter((name) => SEGMENT_NAME.test(name)).sort();
  }

  /** Appends a line. */
  async append(line: string): Promise<LineLocation> {
    const bytes = Buffer.from(`${line}\n`);
    const current = await this.segmentFor(bytes.length);
    const place = { segment: current.name, offset: current.size, length: bytes.length - 1 };
    try {
      await current.handle.appendFile(bytes);
      current.size += bytes.length;
    } catch (error) {
      await this.removeIncompleteLine(current);
      throw error;
    }
    return place;
  }

  /** Removes an incomplete line after a failed write. If that fails, the segment is closed. */
  private async removeIncompleteLine({ name, handle, size }: Segment): Promise<void> {
    const isTruncated = await handle.truncate(size).then(
      () => true,
      () => false,
    );
    if (isTruncated && size > 0) return;
    await this.close();
    // Each failed append would otherwise leave an empty file.
    if (size === 0) await rm(path.join(this.folder, name), { force: true });
  }

  /** Reads a line; undefined if its file was removed. */
  async read({ segment, offset, length }: LineLocation): Promise<string | undefined> {
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

  /** Removes a segment, closing it first if it is the current one. */
  async remove(segment: string): Promise<void> {
    if (this.current?.name === segment) await this.close();
    await rm(path.join(this.folder, segment), { force: true });
  }

  /** Whether a segment is the one that is being written. */
  isCurrent(segment: string): boolean {
    return this.current?.name === segment;
  }

  async close(): Promise<void> {
    const { current } = this;
    this.current = undefined;
    await current?.handle.close();
  }

  private async segmentFor(bytes: number) {
    if (this.current && this.current.size + bytes > SEGMENT_BYTES) await this.close();
    if (this.current) return this.current;
    await makeFolder(this.folder);
    const name = `${String(Date.now()).padStart(13, '0')}-${randomBytes(4).toString('hex')}.jsonl`;
    const handle = await open(path.join(this.folder, name), 'ax', FILE_MODE);
    this.current = { name, handle, size: 0 };
    return this.current;
  }
}

/** Calls `onLine` for each complete line of a file with its offset in bytes. */
async function forEachLine(file: string, onLine: (line: Buffer, offset: number) => void): Promise<void> {
  let offset = 0;
  let chunks: Buffer[] = [];
  for await (const chunk of createReadStream(file)) {
    if (!Buffer.isBuffer(chunk)) continue;
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      const line = Buffer.concat([...chunks, chunk.subarray(start, end)]);
      chunks = [];
      onLine(line, offset);
      offset += line.length + 1;
      start = end + 1;
    }
    chunks.push(chunk.subarray(start));
  }
}
