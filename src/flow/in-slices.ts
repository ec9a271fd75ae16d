import { yieldForChunk } from './turns.js';

/** How long a slice may take (ms). */
const SLICE_MS = 2;

/**
 * Runs work that yields after each small part in slices: the first at once, each of the others in a turn of
 * the event loop that no other sliced work uses.
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
