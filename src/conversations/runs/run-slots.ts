import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { KeyLimiter, LimitReachedError } from '../../limits/index.js';
import { KeyRunLimitError, RunLimitError } from '../conversation-errors.js';

/** Limits how many runs are active at the same time in this process. */
@Injectable()
export class RunSlots {
  private taken = 0;
  private refusedCount = 0;
  /** How many runs of each key are active. */
  private readonly active = new Map<string | null, number>();
  /** Callers that wait for a slot, in their order. */
  private readonly waiting = new Set<() => void>();
  private freed: () => void = () => undefined;

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

  /** All slots are taken. */
  get isFull(): boolean {
    return this.taken >= this.limit;
  }

  /** How many runs of a key are active. @param ownerKey null: the administrator's */
  activeOf(ownerKey: string | null): number {
    return this.active.get(ownerKey) ?? 0;
  }

  /** Whether a key has as many runs as it may have. */
  isKeyFull(ownerKey: string | null): boolean {
    return !this.limiter.mayRun(ownerKey);
  }

  /** A run was refused although it would have waited. */
  countRefused(): void {
    this.refusedCount += 1;
  }

  /** Calls `listener` whenever a slot is free that nobody waits for in `wait`. */
  onFree(listener: () => void): void {
    this.freed = listener;
  }

  /**
   * Takes a slot. Returns a function that releases it; further calls of that do nothing.
   * @param ownerKey the key whose conversation runs, which may have a limit of its own
   * @throws RunLimitError when all are taken
   */
  take(ownerKey: string | null = null): () => void {
    if (this.isFull) {
      this.countRefused();
      throw new RunLimitError();
    }
    const releaseOfKey = this.takeOfKey(ownerKey);
    this.taken += 1;
    this.active.set(ownerKey, this.activeOf(ownerKey) + 1);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      releaseOfKey();
      this.taken -= 1;
      const left = this.activeOf(ownerKey) - 1;
      if (left > 0) this.active.set(ownerKey, left);
      else this.active.delete(ownerKey);
      this.passOn();
    };
  }

  /** Takes a slot if there is one, which does not count as a refusal otherwise. */
  tryTake(ownerKey: string | null): (() => void) | undefined {
    return this.isFull || this.isKeyFull(ownerKey) ? undefined : this.take(ownerKey);
  }

  /** Takes a slot as soon as one is free; undefined once `signal` is aborted. */
  async wait(signal: AbortSignal): Promise<(() => void) | undefined> {
    while (!signal.aborted) {
      if (!this.isFull) {
        const release = this.take();
        // Several slots may have become free.
        this.passOn();
        return release;
      }
      await this.woken(signal);
    }
    return undefined;
  }

  private takeOfKey(ownerKey: string | null): () => void {
    try {
      return this.limiter.takeRun(ownerKey);
    } catch (error) {
      if (!(error instanceof LimitReachedError)) throw error;
      throw new KeyRunLimitError(error);
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

  /** A slot may be free: whoever waits for one gets it. */
  private passOn(): void {
    if (this.isFull) return;
    const [next] = this.waiting;
    if (next) next();
    else this.freed();
  }
}
