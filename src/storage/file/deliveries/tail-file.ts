import { createReadStream } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { errorCode } from '../../../errors/index.js';
import type { PendingTail } from '../../delivery-store.js';
import { readPosition, writePosition, createPosition } from './position-file.js';

const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 10;

/** Lines in a file, and the delivery position. */
export class TailFile implements PendingTail {
  readonly kind = 'tail';
  private offset: number | undefined;

  /** @param remaining number of pending lines, if known */
  constructor(
    readonly conversationId: string,
    private readonly path: string,
    private remaining?: number,
  ) {}

  get waiting(): number {
    return this.remaining ?? 0;
  }

  async count(): Promise<void> {
    if (this.remaining !== undefined) return;
    this.offset ??= (await readPosition(this.positionPath)) ?? 0;
    this.remaining = await countLines(this.path, this.offset);
  }

  async peek(limit: number, maxBytes: number): Promise<string[]> {
    const at = (this.offset ??= (await readPosition(this.positionPath)) ?? 0);
    let handle: FileHandle;
    try {
      handle = await open(this.path, 'r');
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
      // Another server considered this one dead and has taken over the file.
      this.remaining = 0;
      return [];
    }
    try {
      return await linesAt(handle, at, limit, maxBytes);
    } finally {
      await handle.close();
    }
  }

  async advance(lines: readonly string[]): Promise<void> {
    const before = (this.offset ??= (await readPosition(this.positionPath)) ?? 0);
    this.offset = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, before);
    if (before === 0) await createPosition(this.positionPath, this.offset);
    else await writePosition(this.positionPath, this.offset);
    if (this.remaining !== undefined) this.remaining -= lines.length;
  }

  async remove(): Promise<void> {
    // The position is removed last: without it, all lines would be delivered again.
    await rm(this.path, { force: true });
    await rm(this.positionPath, { force: true });
  }

  private get positionPath(): string {
    return `${this.path}.position`;
  }
}

async function linesAt(
  handle: FileHandle,
  start: number,
  limit: number,
  maxBytes: number,
): Promise<string[]> {
  const lines: string[] = [];
  let at = start;
  let rest = Buffer.alloc(0);
  let bytes = 0;
  for (;;) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, at);
    if (bytesRead === 0) return lines;
    at += bytesRead;
    rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      if (lines.length === limit || (lines.length > 0 && bytes + end > maxBytes)) return lines;
      lines.push(rest.toString('utf8', 0, end));
      bytes += end;
      rest = rest.subarray(end + 1);
    }
  }
}

async function countLines(file: string, start: number): Promise<number> {
  let count = 0;
  try {
    const chunks: AsyncIterable<Buffer> = createReadStream(file, { start, highWaterMark: CHUNK_BYTES });
    for await (const chunk of chunks) {
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, end + 1)) count += 1;
    }
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  return count;
}
