import { SerialQueue } from '../flow/index.js';

/** Requests that an agent may have open at once: with more, it is not read on. */
const MAX_OPEN = 256;
/** Long answers that may wait for the agent to read them: with more, no other one is made. */
const MAX_UNSENT = 8;

/**
 * The requests of an agent that it has no answer to yet, because we work on them or because it does not read.
 * Keeps them few: an agent that asks and never reads would fill the memory otherwise.
 */
export class OpenRequests {
  private open = 0;
  private working = 0;
  private closed = false;
  private waiters: (() => void)[] = [];
  private readonly longAnswers = new SerialQueue();

  /** The agent waits for work of ours. */
  get isServing(): boolean {
    return this.working > 0;
  }

  received(): void {
    this.open += 1;
  }

  /** An answer was taken by the agent. */
  answered(): void {
    this.open = Math.max(0, this.open - 1);
    this.wake();
  }

  /** Resolves when more may be asked. */
  async room(): Promise<void> {
    await this.until(() => this.open < MAX_OPEN);
  }

  /** Does what the agent waits for. */
  async serve<T>(work: () => T | Promise<T>): Promise<T> {
    this.working += 1;
    try {
      return await work();
    } finally {
      this.working -= 1;
      this.wake();
    }
  }

  /** The same for work with a long answer: one after another, and only while the agent reads the answers. */
  serveLong<T>(work: () => T | Promise<T>): Promise<T> {
    return this.serve(() =>
      this.longAnswers.run(async () => {
        await this.until(() => this.open - this.working < MAX_UNSENT);
        return work();
      }),
    );
  }

  /** The agent has ended: nobody needs to wait. */
  close(): void {
    this.closed = true;
    this.wake();
  }

  private async until(condition: () => boolean): Promise<void> {
    while (!this.closed && !condition()) await new Promise<void>((resolve) => this.waiters.push(resolve));
  }

  private wake(): void {
    for (const resolve of this.waiters.splice(0)) resolve();
  }
}
