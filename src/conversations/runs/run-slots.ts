import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { RunLimitError } from '../conversation-errors.js';

/** How many runs may go on at once in this process. */
@Injectable()
export class RunSlots {
  private taken = 0;
  private turnedAway = 0;
  /** Who waits for a slot, the first first. */
  private readonly waiting = new Set<() => void>();

  /** How many slots there are. */
  readonly limit: number;

  constructor(config: AppConfig) {
    this.limit = config.max_concurrent_runs;
  }

  /** How many runs are going on. */
  get running(): number {
    return this.taken;
  }

  /** How many were refused since the start. */
  get refused(): number {
    return this.turnedAway;
  }

  /**
   * Takes a slot; the answer gives it back (once, further calls do nothing).
   * @throws RunLimitError when all are taken
   */
  take(): () => void {
    if (this.taken >= this.limit) {
      this.turnedAway += 1;
      throw new RunLimitError();
    }
    this.taken += 1;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.taken -= 1;
      this.wakeNext();
    };
  }

  /** Takes a slot as soon as there is one; undefined when `signal` ends the wait. */
  async wait(signal: AbortSignal): Promise<(() => void) | undefined> {
    while (!signal.aborted) {
      if (this.taken < this.limit) return this.take();
      await this.woken(signal);
    }
    return undefined;
  }

  private woken(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        this.waiting.delete(wake);
        resolve();
      };
      signal.addEventListener('abort', wake);
      this.waiting.add(wake);
    });
  }

  private wakeNext(): void {
    const [next] = this.waiting;
    next?.();
  }
}
