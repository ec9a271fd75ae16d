import type { Checkpoint, FileVersion } from '../version.js';

/** A moment in the history of the files: before all steps, after one of them, or as they are now. */
export type Moment = 'beginning' | 'now' | number;

/** What the files were that steps have changed, at a moment of the history. `now` is not part of it. */
export function versionsAt(steps: readonly Checkpoint[], moment: number): Map<string, FileVersion | null> {
  const versions = new Map<string, FileVersion | null>();
  for (const { number, changes } of steps) {
    for (const { path, before, after } of changes) {
      if (number <= moment) versions.set(path, after);
      else if (!versions.has(path)) versions.set(path, before);
    }
  }
  return versions;
}
