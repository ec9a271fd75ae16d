/** At most so often a client is told (ms). */
const EVERY_MS = 1_000;
/** Without news the last report is repeated, so that clients which extend their time limit do so (ms). */
const REPEAT_MS = 10_000;

/** Tells a client what happens, at a bounded rate. Each report has a higher number than the one before. */
export class ProgressReports {
  private count = 0;
  private message = '';
  private hasNews = false;
  private last = -Infinity;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly report: (progress: number, message: string) => void) {}

  /** Something has happened. */
  note(message: string): void {
    this.message = message;
    if (this.hasNews) return;
    this.hasNews = true;
    this.tellIn(Math.max(0, this.last + EVERY_MS - performance.now()));
  }

  /** Ends the reports. */
  close(): void {
    clearTimeout(this.timer);
  }

  private tellIn(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tell(), ms);
  }

  private tell(): void {
    this.hasNews = false;
    this.last = performance.now();
    this.count += 1;
    this.report(this.count, this.message);
    this.tellIn(REPEAT_MS);
  }
}
