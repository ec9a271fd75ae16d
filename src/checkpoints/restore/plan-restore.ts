import type { CheckpointStore } from '../store/checkpoint-store.js';
import type { PlannedFile } from '../store/checkpoint-log.js';
import type { WorkspaceTree } from '../tree/workspace-tree.js';
import { sameVersion, type Checkpoint, type FileVersion, type RestoreScope } from '../version.js';

/** Why a file cannot be restored just so. */
export type ConflictReason =
  /** Somebody else has changed the file after the agent. */
  | 'changed'
  /** A later step has changed it, which is not to be undone. */
  | 'later_step'
  /** What is there is too large to be kept, so that the restore could not be undone. */
  | 'too_large'
  /** The content to restore is not kept. */
  | 'not_kept'
  /** Something else is in its place: a folder, a pipe, a device. */
  | 'not_a_file';

/** A file that a restore would not treat as its last step has left it. */
export interface RestoreConflict {
  path: string;
  reason: ConflictReason;
  /** The later step. */
  step: number | null;
  /** It can be restored all the same. */
  canForce: boolean;
}

/** What a restore would do. */
export interface RestorePlan {
  files: PlannedFile[];
  conflicts: RestoreConflict[];
}

/** What is expected of a file, and what it shall become. */
interface Target {
  to: FileVersion | null;
  expected: FileVersion | null;
  laterStep: number | null;
}

/**
 * Compares the files of a restore with what is there, and keeps the content of what it would change.
 * Contents that are there already are not planned.
 */
export async function planRestore(
  store: CheckpointStore,
  tree: WorkspaceTree,
  scope: RestoreScope,
): Promise<RestorePlan> {
  const plan: RestorePlan = { files: [], conflicts: [] };
  const targets = targetsOf(store.steps, scope);
  const removed = [...targets].filter(([, { to }]) => to === null).map(([file]) => `${file}/`);
  for (const [path, { to, expected, laterStep }] of targets) {
    const stats = await tree.stat(path);
    const found = await tree.find(path);
    const from = found?.version ?? null;
    if (sameVersion(from, to)) continue;
    // A folder goes with its files, as far as the restore removes them.
    const isFolder = stats?.isDirectory() === true && removed.some((file) => file.startsWith(`${path}/`));
    const isExpected = sameVersion(from, expected) || isFolder || isUnder(removed, path, from);
    let reason: ConflictReason | undefined;
    if (stats && !found && !isFolder) reason = 'not_a_file';
    else if (!store.has(to)) reason = 'not_kept';
    else if (from?.hash === null || !(await store.keep(found))) reason = 'too_large';
    else if (!isExpected) reason = laterStep === null ? 'changed' : 'later_step';
    const canForce = reason !== 'not_a_file' && reason !== 'not_kept';
    const step = reason === 'later_step' ? laterStep : null;
    if (reason) plan.conflicts.push({ path, reason, step, canForce });
    if (canForce) plan.files.push({ path, from, to });
  }
  return plan;
}

/** A file whose folder is a file now, which the restore removes, is missing as it must be. */
function isUnder(removed: readonly string[], path: string, from: FileVersion | null): boolean {
  return from === null && removed.some((folder) => path.startsWith(folder));
}

function targetsOf(
  steps: readonly Checkpoint[],
  { step: number, mode, paths }: RestoreScope,
): Map<string, Target> {
  const wanted = paths && new Set(paths);
  const targets = new Map<string, Target>();
  for (const step of steps) {
    if (step.number < number) continue;
    for (const { path, before, after } of step.changes) {
      if (wanted && !isWanted(wanted, path)) continue;
      const known = targets.get(path);
      if (mode === 'since') {
        if (known) known.expected = after;
        else targets.set(path, { to: before, expected: after, laterStep: null });
      } else if (step.number === number) targets.set(path, { to: before, expected: after, laterStep: null });
      else if (known) known.laterStep = step.number;
    }
  }
  return targets;
}

/** A path names a file, or a folder with everything in it. */
function isWanted(wanted: ReadonlySet<string>, file: string): boolean {
  if (wanted.has(file)) return true;
  for (let at = file.lastIndexOf('/'); at > 0; at = file.lastIndexOf('/', at - 1)) {
    if (wanted.has(file.slice(0, at))) return true;
  }
  return false;
}
