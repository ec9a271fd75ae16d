import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

/** More than any condition takes (ms). */
const TIMEOUT_MS = 300_000;

/** Polls a cheap condition every `pause` ms; with 0, in each turn of the event loop. */
export async function until(condition, what, pause = 0) {
  const end = performance.now() + TIMEOUT_MS;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`timed out waiting for ${what}`);
    await (pause > 0 ? sleep(pause) : nextTurn());
  }
}
