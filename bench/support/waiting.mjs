import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';

/** Longer than anything that is waited for takes (ms). */
const PATIENCE_MS = 300_000;

/** Waits for a condition that costs nothing to ask; `pause` 0 asks in each turn of the event loop. */
export async function until(condition, what, pause = 0) {
  const end = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await (pause > 0 ? sleep(pause) : turn());
  }
}
