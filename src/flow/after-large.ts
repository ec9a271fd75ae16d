import { setImmediate as nextTurn } from 'node:timers/promises';

/** From this size on, reading or parsing takes milliseconds (bytes). */
const LARGE = 1024 * 1024;

/** Whether work on so many bytes needs slices, or a turn of the event loop of its own. */
export function isLarge(bytes: number): boolean {
  return bytes >= LARGE;
}

/** Yields to the event loop after work on a large number of bytes. */
export async function afterLarge(bytes: number): Promise<void> {
  if (isLarge(bytes)) await nextTurn();
}
