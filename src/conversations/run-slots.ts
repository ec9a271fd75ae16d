import { RunLimitError } from './conversation-errors.js';

/** How many runs may go on at once in this process. */
export class RunSlots {
  private taken = 0;
  private turnedAway = 0;

  constructor(
    /** How many there are. */
    readonly limit: number,
  ) {}

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
    };
  }
}
