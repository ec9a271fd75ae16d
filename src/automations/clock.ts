import { Injectable } from '@nestjs/common';

/** The time that automations go by. Tests of the scheduler bring a clock of their own. */
export abstract class Clock {
  /** Milliseconds since the epoch. */
  abstract now(): number;

  /**
   * Calls a function once after a time.
   * @param ms at most 2^31 - 1
   * @returns what keeps it from being called
   */
  abstract after(ms: number, call: () => void): () => void;
}

/** The clock of the machine. Its timers keep no process alive. */
@Injectable()
export class SystemClock extends Clock {
  now(): number {
    return Date.now();
  }

  after(ms: number, call: () => void): () => void {
    const timer = setTimeout(call, ms).unref();
    return () => clearTimeout(timer);
  }
}
