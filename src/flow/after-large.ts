import { setImmediate as nextTurn } from 'node:timers/promises';

/** Reading or parsing more than this takes milliseconds (bytes). */
const LARGE = 1024 * 1024;

/** Whether it is to be worked on in slices, or in a turn of its own. */
export function isLarge(bytes: number): boolean {
  return bytes >= LARGE;
}

/** Lets others have their turn after something was done with so many bytes, if it was much. */
export async function afterLarge(bytes: number): Promise<void> {
  if (isLarge(bytes)) await nextTurn();
}
