/** Maximum pause (ms). */
const MAX_PAUSE_MS = 300_000;
/** Minimum base of pauses (ms), so that a delay of 0 does not flood a receiver that is down. */
const MIN_BASE_MS = 100;

/**
 * The pause after consecutive failures (ms): exponential up to five minutes, with a jitter of 25 %, so that
 * many senders do not retry at the same time.
 */
export function backoffMs(failures: number, baseMs: number, random = Math.random()): number {
  const doubled = Math.max(baseMs, MIN_BASE_MS) * 2 ** Math.min(failures - 1, 30);
  return Math.min(doubled, MAX_PAUSE_MS) * (0.75 + random / 2);
}

/**
 * Detects that a receiver as a whole is failing. A single failure only affects its conversation. Consecutive
 * failures pause all deliveries; after the pause, single attempts probe the receiver.
 */
export class RetryClock {
  private failures = 0;
  private until = 0;
  private setAt = -1;

  constructor(private readonly baseMs: number) {}

  /** Nothing is sent before this time (`performance.now()`). */
  get pausedUntil(): number {
    return this.until;
  }

  /** The last attempts failed: only one request may be active. */
  get isProbing(): boolean {
    return this.failures > 1;
  }

  succeeded(): void {
    this.failures = 0;
    this.until = 0;
  }

  /** Ends the pause. Until an attempt succeeds, single attempts still probe the receiver. */
  resume(): void {
    this.until = 0;
  }

  /**
   * @param startedAt start of the attempt: attempts from before the current pause do not extend it
   */
  failed(startedAt: number): void {
    if (startedAt < this.setAt) return;
    this.failures += 1;
    if (this.failures < 2) return;
    this.setAt = performance.now();
    this.until = this.setAt + backoffMs(this.failures - 1, this.baseMs);
  }
}
