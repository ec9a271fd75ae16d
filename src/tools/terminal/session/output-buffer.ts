import { Buffer } from 'node:buffer';
import { StringDecoder } from 'node:string_decoder';

import { cleanOutput } from './clean-output.js';

/** The maximum unread output (bytes). Older output is dropped. */
const MAX_BYTES = 4 * 1024 * 1024;
/** The maximum number of lines per read, the same as the original's scrollback. */
const MAX_LINES = 10_000;

/** Cleaned output, and whether its beginning is missing. */
interface TakenOutput {
  text: string;
  /** The number of remaining lines if the beginning was dropped; absent if the output is complete. */
  remainingLines?: number;
}

/**
 * Buffers the output since the last read. It is bounded, and cleaned only when read, so that floods are
 * cheap.
 */
export class OutputBuffer {
  private chunks: Buffer[] = [];
  private bytes = 0;
  private first = 0;
  private dropped = false;
  /** Created at the first read, because most terminals are never used. */
  private decoder: StringDecoder | undefined;

  append(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    while (this.bytes > MAX_BYTES) {
      this.bytes -= this.chunks[this.first]?.length ?? 0;
      this.first += 1;
      this.dropped = true;
    }
    // Removing chunks one by one from the front of the array would take quadratic time.
    if (this.first > 1024) {
      this.chunks = this.chunks.slice(this.first);
      this.first = 0;
    }
  }

  /** Drops everything, including an incomplete character. */
  clear(): void {
    this.chunks = [];
    this.bytes = 0;
    this.first = 0;
    this.dropped = false;
    this.decoder = undefined;
  }

  /** Returns and removes the output so far, as it looks on a screen, without trailing white space. */
  async take(): Promise<TakenOutput> {
    this.decoder ??= new StringDecoder('utf8');
    const raw = this.decoder.write(Buffer.concat(this.chunks.slice(this.first)));
    const dropped = this.dropped;
    this.chunks = [];
    this.bytes = 0;
    this.first = 0;
    this.dropped = false;
    // One more than the limit, to detect truncation.
    const cleaned = await cleanOutput(dropped ? raw.slice(raw.indexOf('\n') + 1) : raw, MAX_LINES + 1);
    const lines = cleaned.split('\n');
    if (lines.length > MAX_LINES) {
      return { text: lines.slice(-MAX_LINES).join('\n'), remainingLines: MAX_LINES };
    }
    return dropped ? { text: cleaned, remainingLines: lines.length } : { text: cleaned };
  }
}
