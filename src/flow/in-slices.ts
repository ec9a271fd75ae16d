import { setImmediate as nextTurn } from 'node:timers/promises';

/** After so long others have their turn (ms). */
const SLICE_MS = 4;

/** Does work that comes in small parts, a part for each `yield`, without holding up others for longer than a slice. */
export async function inSlices<T>(work: Generator<void, T>): Promise<T> {
  for (;;) {
    const end = performance.now() + SLICE_MS;
    do {
      const part = work.next();
      if (part.done) return part.value;
    } while (performance.now() < end);
    await nextTurn();
  }
}
