/** No pause is longer (ms). */
const MAX_PAUSE_MS = 300_000;
/** The shortest base, so that a delay of 0 does not hammer a receiver that is down (ms). */
const MIN_BASE_MS = 100;

/**
 * The pause after so many failures in a row (ms): doubled each time up to five minutes, and up to a quarter
 * shorter or longer, so that many senders do not come at the same moment.
 */
export function backoffMs(failures: number, baseMs: number, random = Math.random()): number {
  const doubled = Math.max(baseMs, MIN_BASE_MS) * 2 ** Math.min(failures - 1, 30);
  return Math.min(doubled, MAX_PAUSE_MS) * (0.75 + random / 2);
}

/**
 * Whether a receiver as a whole is in trouble. One refused delivery is the trouble of its conversation;
 * several in a row with no success between them pause everything, and then one attempt at a time asks whether
 * it is over.
 */
export class RetryClock {
  private failures = 0;
  private until = 0;
  private setAt = -1;

  constructor(private readonly baseMs: number) {}

  /** Nothing is sent before this moment of `performance.now()`. */
  get pausedUntil(): number {
    return this.until;
  }

  /** The last attempts failed: ask with one at a time. */
  get isProbing(): boolean {
    return this.failures > 1;
  }

  succeeded(): void {
    this.failures = 0;
    this.until = 0;
  }

  /**
   * @param startedAt when the attempt began: those that were under way when a pause began do not make it
   * longer
   */
  failed(startedAt: number): void {
    if (startedAt < this.setAt) return;
    this.failures += 1;
    if (this.failures < 2) return;
    this.setAt = performance.now();
    this.until = this.setAt + backoffMs(this.failures - 1, this.baseMs);
  }
}
