/** Counts what happened since the process started. */
export class Counter {
  private count = 0;

  get total(): number {
    return this.count;
  }

  add(number = 1): void {
    this.count += number;
  }
}

/** How long things took since the process started, in classes: a histogram as Prometheus wants it. */
export class Timing {
  private readonly counts: number[];
  private total = 0;

  /** @param bounds upper ends of the classes, in seconds, rising; there is one more class above them */
  constructor(private readonly bounds: readonly number[]) {
    this.counts = [...bounds, Infinity].map(() => 0);
  }

  /** Seconds of all together. */
  get sum(): number {
    return this.total;
  }

  /** How many took no longer than each bound; the last bound is infinity. */
  get cumulative(): { bound: number; count: number }[] {
    let count = 0;
    return this.counts.map((inClass, index) => {
      count += inClass;
      return { bound: this.bounds[index] ?? Infinity, count };
    });
  }

  observe(seconds: number): void {
    const found = this.bounds.findIndex((bound) => seconds <= bound);
    const index = found === -1 ? this.bounds.length : found;
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.total += seconds;
  }
}
