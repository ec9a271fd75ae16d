/** Runs a limited number of tasks at a time. Others wait in the order in which they were added. */
export class Slots {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly limit: number) {}

  /** Runs a task as soon as a slot is free. @throws what the task throws */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.running < this.limit) this.running += 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      // The next task takes over the slot, which therefore is never free for a task that is added now.
      const next = this.waiting.shift();
      if (next) next();
      else this.running -= 1;
    }
  }
}
