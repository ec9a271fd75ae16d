/** A counter since the start of the process. */
export class Counter {
  private count = 0;

  get total(): number {
    return this.count;
  }

  add(number = 1): void {
    this.count += number;
  }
}

/** A histogram of durations since the start of the process, as Prometheus defines it. */
export class Timing {
  private readonly counts: number[];
  private total = 0;

  /** @param bounds upper bounds of the buckets in seconds, ascending; a last bucket has no bound */
  constructor(private readonly bounds: readonly number[]) {
    this.counts = [...bounds, Infinity].map(() => 0);
  }

  /** Sum of all durations in seconds. */
  get sum(): number {
    return this.total;
  }

  /** Number of durations up to each bound; the last bound is infinity. */
  get cumulative(): { bound: number; count: number }[] {
    let count = 0;
    return this.counts.map((inBucket, index) => {
      count += inBucket;
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
