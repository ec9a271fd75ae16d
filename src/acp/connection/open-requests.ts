import { SerialQueue } from '../../flow/index.js';

/** Most unanswered requests of an agent; with more, nothing is read from it. */
const MAX_OPEN = 256;
/** Most large responses that the agent has not read; with more, no other one is created. */
const MAX_UNREAD_LARGE = 8;

/**
 * Limits the requests that an agent has not received a response to. Otherwise an agent that sends requests
 * and never reads would exhaust the memory.
 */
export class OpenRequests {
  private open = 0;
  private handling = 0;
  private closed = false;
  private waiters: (() => void)[] = [];
  private readonly largeResponses = new SerialQueue();

  /** Whether a request is being handled. */
  get isHandling(): boolean {
    return this.handling > 0;
  }

  received(): void {
    this.open += 1;
  }

  /** The agent has read a response. */
  answered(): void {
    this.open = Math.max(0, this.open - 1);
    this.wake();
  }

  /** Resolves when another request can be read. */
  async waitForRoom(): Promise<void> {
    await this.until(() => this.open < MAX_OPEN);
  }

  /** Handles a request. */
  async handle<T>(work: () => T | Promise<T>): Promise<T> {
    this.handling += 1;
    try {
      return await work();
    } finally {
      this.handling -= 1;
      this.wake();
    }
  }

  /** Handles a request with a large response: one at a time, and only while the agent reads responses. */
  handleLarge<T>(work: () => T | Promise<T>): Promise<T> {
    return this.handle(() =>
      this.largeResponses.run(async () => {
        await this.until(() => this.open - this.handling < MAX_UNREAD_LARGE);
        return work();
      }),
    );
  }

  /** The agent has ended: releases everything that waits. */
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
