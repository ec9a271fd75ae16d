import { lstatSync } from 'node:fs';

/**
 * Whether there is nothing of this name; a link that leads nowhere is something. Not asked by way of a
 * thread: that costs twenty times as much as the answer, which for most of what is looked for is yes. What
 * cannot be told counts as there: whoever opens it is told why not.
 */
export function isMissing(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}
