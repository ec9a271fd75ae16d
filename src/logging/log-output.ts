import { write, writeSync } from 'node:fs';
import { errorCode } from '../errors/index.js';

/** How long lines are collected before they are written together (ms). */
const FLUSH_DELAY_MS = 20;
/** Time until the next attempt to write to a full pipe (ms). */
const RETRY_MS = 10;
/** Most characters that are buffered for a slow reader; further lines are dropped and counted. */
const MAX_BUFFERED = 4 * 1024 * 1024;

/**
 * Writes lines to a file descriptor in the background, in order, without blocking on its reader. Lines are
 * collected for a moment. `flushSync` writes the rest at the end of the process.
 */
export class LogOutput {
  private buffered: string[] = [];
  private size = 0;
  private dropped = 0;
  private writing = false;
  /** A buffered line is to be written at once. */
  private urgent = false;
  private timer: NodeJS.Timeout | undefined;
  private whenIdle: (() => void)[] = [];
  /** The reader is gone. */
  private broken = false;

  /**
   * @param describeDropped creates a line that replaces dropped lines
   */
  constructor(
    private readonly fd: number,
    private readonly describeDropped: (count: number) => string,
  ) {}

  /** Buffers a line, given without its line end. An urgent line is written at once. */
  write(line: string, urgent: boolean): void {
    if (this.broken) return;
    if (this.size > MAX_BUFFERED) {
      this.dropped += 1;
      return;
    }
    this.buffered.push(line);
    this.size += line.length;
    this.urgent ||= urgent;
    if (!this.writing) this.flushSoon();
  }

  /** Resolves when all buffered lines are written. */
  async drained(): Promise<void> {
    this.flush();
    if (this.writing) await new Promise<void>((resolve) => this.whenIdle.push(resolve));
  }

  /** Writes all buffered lines synchronously, for the end of the process. */
  flushSync(): void {
    let rest = this.takeBuffered();
    const deadline = Date.now() + 1000;
    while (rest.length > 0 && !this.broken && Date.now() < deadline) {
      try {
        rest = rest.subarray(writeSync(this.fd, rest));
      } catch (error) {
        if (errorCode(error) !== 'EAGAIN') this.broken = true;
      }
    }
  }

  private flushSoon(): void {
    if (this.urgent) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), FLUSH_DELAY_MS).unref();
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.writing) return;
    const bytes = this.takeBuffered();
    if (bytes.length > 0) this.send(bytes);
    else this.resolveIdle();
  }

  private takeBuffered(): Buffer {
    if (this.dropped > 0) this.buffered.push(this.describeDropped(this.dropped));
    const text = this.buffered.length === 0 ? '' : `${this.buffered.join('\n')}\n`;
    this.buffered = [];
    this.size = 0;
    this.dropped = 0;
    this.urgent = false;
    return Buffer.from(text);
  }

  private send(bytes: Buffer): void {
    this.writing = true;
    write(this.fd, bytes, (error, count) => {
      if (error && error.code !== 'EAGAIN') {
        // A closed pipe: the server continues without a log.
        this.broken = true;
        this.buffered = [];
      }
      const rest = bytes.subarray(error ? 0 : count);
      if (rest.length > 0 && !this.broken) {
        if (error) setTimeout(() => this.send(rest), RETRY_MS);
        else this.send(rest);
        return;
      }
      this.writing = false;
      if (this.buffered.length === 0) this.resolveIdle();
      // `drained` must not wait for further lines.
      else if (this.whenIdle.length > 0) this.flush();
      else this.flushSoon();
    });
  }

  private resolveIdle(): void {
    const resolved = this.whenIdle;
    this.whenIdle = [];
    for (const resolve of resolved) resolve();
  }
}
