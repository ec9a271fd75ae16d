import { Buffer } from 'node:buffer';
import { StringDecoder } from 'node:string_decoder';

import { cleanOutput } from './clean-output.js';

/** What is kept between two reads, in bytes; older output is dropped. */
const MAX_BYTES = 4 * 1024 * 1024;
/** What one read returns at most, in lines: the scrollback that clients know from the reference server. */
const MAX_LINES = 10_000;

/** Readable output, and whether its beginning is missing. */
export interface TakenOutput {
  text: string;
  /** Number of lines left when the head was dropped; absent when the output is complete. */
  remainingLines?: number;
}

/** The output since the last read: bounded, raw until somebody wants it, so that a flood costs little. */
export class OutputBuffer {
  private chunks: Buffer[] = [];
  private bytes = 0;
  private first = 0;
  private dropped = false;
  /** Made for the first output: most terminals of conversations are never used. */
  private decoder: StringDecoder | undefined;

  append(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    while (this.bytes > MAX_BYTES) {
      this.bytes -= this.chunks[this.first]?.length ?? 0;
      this.first += 1;
      this.dropped = true;
    }
    // Removing one by one from the front of an array would make a flood quadratic.
    if (this.first > 1024) {
      this.chunks = this.chunks.slice(this.first);
      this.first = 0;
    }
  }

  /** Forgets everything, half a character included. */
  clear(): void {
    this.chunks = [];
    this.bytes = 0;
    this.first = 0;
    this.dropped = false;
    this.decoder = undefined;
  }

  /** Takes what there is now, as a person would read it on the screen, without trailing white space. */
  async take(): Promise<TakenOutput> {
    this.decoder ??= new StringDecoder('utf8');
    const raw = this.decoder.write(Buffer.concat(this.chunks.slice(this.first)));
    const dropped = this.dropped;
    this.chunks = [];
    this.bytes = 0;
    this.first = 0;
    this.dropped = false;
    // One more than is wanted: then some are missing.
    const cleaned = await cleanOutput(dropped ? raw.slice(raw.indexOf('\n') + 1) : raw, MAX_LINES + 1);
    const lines = cleaned.split('\n');
    if (lines.length > MAX_LINES) {
      return { text: lines.slice(-MAX_LINES).join('\n'), remainingLines: MAX_LINES };
    }
    return dropped ? { text: cleaned, remainingLines: lines.length } : { text: cleaned };
  }
}
