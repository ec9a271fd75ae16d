import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { KeyLimiter, LimitReachedError } from '../../limits/index.js';
import { RunLimitError } from '../conversation-errors.js';

/** Limits how many runs are active at the same time in this process. */
@Injectable()
export class RunSlots {
  private taken = 0;
  private refusedCount = 0;
  /** Callers that wait for a slot, in their order. */
  private readonly waiting = new Set<() => void>();

  /** How many slots there are. */
  readonly limit: number;

  constructor(
    config: AppConfig,
    private readonly limiter: KeyLimiter,
  ) {
    this.limit = config.max_concurrent_runs;
  }

  /** How many runs are active. */
  get running(): number {
    return this.taken;
  }

  /** How many runs were refused since the start. */
  get refused(): number {
    return this.refusedCount;
  }

  /**
   * Takes a slot. Returns a function that releases it; further calls of that do nothing.
   * @param ownerKey the key whose conversation runs, which may have a limit of its own
   * @throws RunLimitError when all are taken
   */
  take(ownerKey: string | null = null): () => void {
    if (this.taken >= this.limit) {
      this.refusedCount += 1;
      throw new RunLimitError();
    }
    const releaseOfKey = this.takeOfKey(ownerKey);
    this.taken += 1;
    let released = false;
    return () => {
      if (released) return;
      released = true;
      releaseOfKey();
      this.taken -= 1;
      this.wakeNext();
    };
  }

  /** Takes a slot as soon as one is free; undefined once `signal` is aborted. */
  async wait(signal: AbortSignal): Promise<(() => void) | undefined> {
    while (!signal.aborted) {
      if (this.taken < this.limit) return this.take();
      await this.woken(signal);
    }
    return undefined;
  }

  private takeOfKey(ownerKey: string | null): () => void {
    try {
      return this.limiter.takeRun(ownerKey);
    } catch (error) {
      if (!(error instanceof LimitReachedError)) throw error;
      throw new RunLimitError(error.message, error);
    }
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
