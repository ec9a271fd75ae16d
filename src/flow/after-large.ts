import { setImmediate as nextTurn } from 'node:timers/promises';

/** Reading or parsing more than this takes milliseconds (bytes). */
const LARGE = 1024 * 1024;

/** Lets others have their turn after something was done with so many bytes, if it was much. */
export async function afterLarge(bytes: number): Promise<void> {
  if (bytes >= LARGE) await nextTurn();
}
