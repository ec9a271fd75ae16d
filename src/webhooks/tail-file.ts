import { open, rm } from 'node:fs/promises';
import { readPosition, writePosition, createPosition } from './position-file.js';

const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 10;

/** Undelivered events of a deleted conversation: lines in a file, and how far they are delivered. */
export class TailFile {
  private offset: number | undefined;

  constructor(readonly path: string) {}

  /** The next lines: at most `limit`, and no more than `maxBytes` unless the first is larger. None: all are delivered. */
  async peek(limit: number, maxBytes: number): Promise<string[]> {
    const handle = await open(this.path, 'r');
    try {
      let at = (this.offset ??= (await readPosition(this.positionPath)) ?? 0);
      let rest = Buffer.alloc(0);
      let bytes = 0;
      const lines: string[] = [];
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
    } finally {
      await handle.close();
    }
  }

  /** These lines, the next ones of the file, are delivered. */
  async advance(lines: readonly string[]): Promise<void> {
    const before = (this.offset ??= (await readPosition(this.positionPath)) ?? 0);
    this.offset = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, before);
    if (before === 0) await createPosition(this.positionPath, this.offset);
    else await writePosition(this.positionPath, this.offset);
  }

  async remove(): Promise<void> {
    // The position last: without it everything would be sent again.
    await rm(this.path, { force: true });
    await rm(this.positionPath, { force: true });
  }

  private get positionPath(): string {
    return `${this.path}.position`;
  }
}
