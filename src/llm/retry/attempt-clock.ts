import { MAX_TIMER_MS, untilAborted } from '../../flow/index.js';

/** The time of an attempt ran out. */
export class AttemptTimeoutError extends Error {
  override readonly name = 'AttemptTimeoutError';
}

/**
 * Ends an attempt when it takes too long as a whole, or when nothing has come for too long. Close it in any
 * case: it holds timers.
 */
export class AttemptClock {
  private readonly controller = new AbortController();
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly onCallerAbort: () => void;
  private readonly idle: NodeJS.Timeout | undefined;

  /** @param timeout, idleTimeout seconds; null: none */
  constructor(
    private readonly caller: AbortSignal,
    timeout: number | null,
    idleTimeout: number | null,
  ) {
    this.onCallerAbort = () => this.controller.abort(caller.reason);
    caller.addEventListener('abort', this.onCallerAbort, { once: true });
    if (caller.aborted) this.onCallerAbort();
    this.idle = this.arm(idleTimeout, `LLM stream idle timeout after ${idleTimeout} seconds`);
    this.arm(timeout, `LLM hard timeout after ${timeout} seconds`);
  }

  /** Aborted with the caller's reason, or with an `AttemptTimeoutError`. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Something came: the idle time starts anew. */
  touch(): void {
    this.idle?.refresh();
  }

  /**
   * Answers as the work does, but rejects at once when the signal is aborted, even if the work ignores it.
   */
  race<T>(work: Promise<T>): Promise<T> {
    return untilAborted(this.signal, work);
  }

  /** Ends the timers and lets go of the caller's signal. */
  close(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.caller.removeEventListener('abort', this.onCallerAbort);
  }

  private arm(seconds: number | null, message: string): NodeJS.Timeout | undefined {
    if (seconds === null) return undefined;
    const milliseconds = Math.min(seconds * 1000, MAX_TIMER_MS);
    const timer = setTimeout(() => this.controller.abort(new AttemptTimeoutError(message)), milliseconds);
    this.timers.push(timer);
    return timer;
  }
}
