import { MAX_TIMER_MS, untilAborted } from '../../flow/index.js';

/** An attempt exceeded its time limit. */
export class AttemptTimeoutError extends Error {
  override readonly name = 'AttemptTimeoutError';
}

/** Aborts an attempt that exceeds its total time or its idle time. Holds timers, so it must be closed. */
export class AttemptClock {
  private readonly controller = new AbortController();
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly onCallerAbort: () => void;
  private readonly idle: NodeJS.Timeout | undefined;

  /** @param timeout, idleTimeout in seconds; null: unlimited */
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

  /** Restarts the idle time. */
  touch(): void {
    this.idle?.refresh();
  }

  /** Settles like the work, but rejects as soon as the signal is aborted, even if the work ignores it. */
  race<T>(work: Promise<T>): Promise<T> {
    return untilAborted(this.signal, work);
  }

  /** Clears the timers and the listener on the caller's signal. */
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
