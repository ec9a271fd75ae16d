import { RunLimitError } from './conversation-errors.js';

/** How many runs may go on at once in this process. */
export class RunSlots {
  private taken = 0;

  constructor(private readonly limit: number) {}

  /**
   * Takes a slot; the answer gives it back (once, further calls do nothing).
   * @throws RunLimitError when all are taken
   */
  take(): () => void {
    if (this.taken >= this.limit) throw new RunLimitError();
    this.taken += 1;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.taken -= 1;
    };
  }
}
