import { setImmediate as nextTurn } from 'node:timers/promises';

/** Hands out the turns of the event loop one by one: what many want to do at once holds up nobody else for long. */
class Turns {
  private last: Promise<unknown> = Promise.resolve();

  /** Resolves at once where nobody has taken this turn of the loop, else in the next one that is free. */
  take(): Promise<unknown> {
    const mine = this.last;
    this.last = mine.then(() => nextTurn());
    return mine;
  }
}

const starts = new Turns();
const work = new Turns();
const pieces = new Turns();

/**
 * Resolves when a process may be started. Starting one holds the loop up for some milliseconds (the memory map of the
 * server is copied), and two hundred conversations may want theirs at once.
 */
export function turnToStart(): Promise<unknown> {
  return starts.take();
}

/** Resolves when an agent may do a part of a step. Twenty of them at once would let a request wait for all. */
export function turnToWork(): Promise<unknown> {
  return work.take();
}

/**
 * Resolves when the next piece of something large may be worked on: of a model's answer, of what a terminal printed. A queue of its own:
 * however many of them there are, agents' steps wait for one.
 */
export function turnForPiece(): Promise<unknown> {
  return pieces.take();
}
