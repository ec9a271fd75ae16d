/** For how long ages are not trusted after a jump (ms). */
const DISTRUST_MS = 86_400_000;
const DAY_MS = 86_400_000;
/** The part of the days of the rule by which the clock may jump, and what it may in any case (ms). */
const PART = 0.1;
const ALLOWED_MS = 60_000;

/**
 * Notices that the clock was set forward: everything would look old at once. A clock that is set back needs
 * no watch, because what is changed in the future has no age.
 */
export class ClockWatch {
  private drift = offset();
  private distrustedUntil = -Infinity;

  /**
   * Why ages are not to be trusted now, for people; undefined: they are.
   * @param days of the rule
   */
  problem(days: number | null): string | undefined {
    const now = offset();
    const jumpMs = now - this.drift;
    this.drift = now;
    if (days === null) return undefined;
    if (jumpMs > Math.max(ALLOWED_MS, days * DAY_MS * PART))
      this.distrustedUntil = performance.now() + DISTRUST_MS;
    if (performance.now() > this.distrustedUntil) return undefined;
    return 'the clock was set forward by far: no conversation is removed for its age for a day';
  }
}

/** What the clock shows beyond the time since the start of the process. */
function offset(): number {
  return Date.now() - performance.now();
}
