import { write, writeSync } from 'node:fs';
import { errorCode } from '../errors/index.js';

/** How long a line may wait for others, so that many requests cost one write (ms). */
const FLUSH_DELAY_MS = 20;
/** How long to wait when a pipe takes nothing at the moment (ms). */
const RETRY_MS = 10;
/** Characters that may wait for a reader that does not keep up; lines beyond it are counted instead. */
const MAX_BUFFERED = 4 * 1024 * 1024;

/**
 * Writes lines to a file descriptor without ever waiting for whoever reads it: lines are gathered for a
 * moment and written in the background, in order. What still waits when the process exits is written then.
 */
export class LogOutput {
  private buffered: string[] = [];
  private size = 0;
  private dropped = 0;
  private writing = false;
  /** Something that waits is not to wait for others. */
  private urgent = false;
  private timer: NodeJS.Timeout | undefined;
  private whenIdle: (() => void)[] = [];
  /** Nobody reads any more. */
  private broken = false;

  /**
   * @param describeDropped the line that stands in place of lines that could not be kept
   */
  constructor(
    private readonly fd: number,
    private readonly describeDropped: (count: number) => string,
  ) {}

  /** Takes a line without its end; an urgent one is on its way at once. */
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

  /** Resolves when everything that was taken is written. */
  async drained(): Promise<void> {
    this.flush();
    if (this.writing) await new Promise<void>((resolve) => this.whenIdle.push(resolve));
  }

  /**
   * Writes what waits before it returns: for the end of the process, when nothing runs in the background any
   * more.
   */
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
        // A closed pipe: the server goes on without a log rather than not at all.
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
      // Whoever waits until all is written does not want to wait for more lines.
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
