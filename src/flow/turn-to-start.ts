import { setImmediate as nextTurn } from 'node:timers/promises';

let last: Promise<unknown> = Promise.resolve();

/**
 * Resolves when a process may be started: one in each turn of the event loop. Starting one holds the loop up for five to
 * twenty milliseconds (the memory map of the server is copied), and two hundred conversations may want theirs at once.
 */
export function turnToStart(): Promise<unknown> {
  const mine = last;
  last = mine.then(() => nextTurn());
  return mine;
}
