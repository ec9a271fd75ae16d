/** The output of each slice of time is bounded (ms). */
const SLICE_MS = 50;
/** Bytes of one terminal, and of all together, in a slice: 20 and 40 MB/s. */
const MAX_OF_ONE = 1024 * 1024;
const MAX_OF_ALL = 2 * 1024 * 1024;

/**
 * Bounds how much output is read in a time, because reading takes the event loop: programs that print
 * without end would otherwise take all of it.
 */
export class OutputPace {
  private readonly used = new Map<object, number>();
  private readonly waiting = new Map<object, () => void>();
  private total = 0;
  private timer: NodeJS.Timeout | undefined;

  /**
   * Counts bytes that were read.
   * @param goOn called once, when more may be read
   * @returns whether reading has to wait for that
   */
  isOver(terminal: object, bytes: number, goOn: () => void): boolean {
    const mine = (this.used.get(terminal) ?? 0) + bytes;
    this.used.set(terminal, mine);
    this.total += bytes;
    this.timer ??= setTimeout(() => this.nextSlice(), SLICE_MS);
    if (mine < MAX_OF_ONE && this.total < MAX_OF_ALL) return false;
    this.waiting.set(terminal, goOn);
    return true;
  }

  /** Forgets a terminal that has ended. */
  forget(terminal: object): void {
    this.waiting.delete(terminal);
  }

  close(): void {
    clearTimeout(this.timer);
    this.waiting.clear();
  }

  private nextSlice(): void {
    this.timer = undefined;
    this.used.clear();
    this.total = 0;
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    for (const goOn of waiting) goOn();
  }
}
