import { yieldForChunk } from './turns.js';

/** After so long others have their turn (ms). */
const SLICE_MS = 2;

/**
 * Does work that comes in small parts, a part for each `yield`, in slices: the first at once, each other one
 * in a turn of the event loop that it has to itself among all such work.
 */
export async function inSlices<T>(work: Generator<void, T>): Promise<T> {
  for (;;) {
    const end = performance.now() + SLICE_MS;
    do {
      const part = work.next();
      if (part.done) return part.value;
    } while (performance.now() < end);
    await yieldForChunk();
  }
}
