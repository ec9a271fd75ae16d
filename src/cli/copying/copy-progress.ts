import { printable } from '../../text/index.js';

/** The bar is drawn so often (ms), and without a terminal a line is printed so often. */
const DRAW_MS = 100;
const LINE_MS = 5000;
const BAR_WIDTH = 24;

/** Where a command that copies conversations prints what it does. */
export interface CopyOutput {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

/** Shows how far a copy has come: a bar on a terminal, else a line now and then. */
export class CopyProgress {
  private done = 0;
  private events = 0;
  private bytes = 0;
  private readonly startedAt = performance.now();
  private shownAt = 0;
  private hasBar = false;

  constructor(
    private readonly output: CopyOutput,
    private readonly total: number,
  ) {}

  /** Notes what was read or written. */
  add(events: number, bytes: number): void {
    this.events += events;
    this.bytes += bytes;
    this.show();
  }

  /** Notes that a conversation is dealt with. */
  next(): void {
    this.done += 1;
    this.show();
  }

  /** Prints a line above the bar. Names from archives and logs cannot control the terminal. */
  print(line: string): void {
    this.clear();
    this.output.write(`${printable(line)}\n`);
  }

  /** Removes the bar. */
  clear(): void {
    if (this.hasBar) this.output.write('\r\x1b[K');
    this.hasBar = false;
    this.shownAt = 0;
  }

  private show(): void {
    const now = performance.now();
    if (now - (this.shownAt || this.startedAt) < (this.output.isTTY ? DRAW_MS : LINE_MS)) return;
    this.shownAt = now;
    if (!this.output.isTTY) return void this.output.write(`${this.text(now)}\n`);
    const part = this.total === 0 ? 1 : Math.min(1, this.done / this.total);
    const filled = Math.round(part * BAR_WIDTH);
    const bar = `[${'#'.repeat(filled)}${' '.repeat(BAR_WIDTH - filled)}] ${this.text(now)}`;
    this.output.write(`\r\x1b[K${bar.slice(0, (this.output.columns ?? 80) - 1)}`);
    this.hasBar = true;
  }

  private text(now: number): string {
    const seconds = Math.max(0.001, (now - this.startedAt) / 1000);
    const rate = Math.round(this.events / seconds);
    const size = (this.bytes / 2 ** 20).toFixed(1);
    return `${this.done} of ${this.total} conversations, ${this.events} events, ${size} MiB, ${rate} events/s`;
  }
}
