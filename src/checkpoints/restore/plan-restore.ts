import type { Stats } from 'node:fs';
import type { CheckpointStore } from '../store/checkpoint-store.js';
import type { PlannedFile } from '../store/log-entry.js';
import { isIn } from '../tree/workspace-path.js';
import { UnreadableError, type FoundFile, type WorkspaceTree } from '../tree/workspace-tree.js';
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
  /** Something else is in its place: a folder with other files, a pipe, a device. */
  | 'not_a_file'
  /** What is there cannot be looked at. */
  | 'unreadable';

/** A file that a restore would not treat as its last step has left it. */
export interface RestoreConflict {
  path: string;
  reason: ConflictReason;
  /** The later step. */
  step: number | null;
  /** It can be restored all the same. */
  canForce: boolean;
}

const FORCEABLE: ReadonlySet<ConflictReason> = new Set(['changed', 'later_step', 'too_large']);

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
  const place = new PlaceCheck(tree, targets);
  for (const [path, target] of targets) {
    const file = await look(tree, path);
    if (file !== 'unreadable' && sameVersion(file.from, target.to)) continue;
    const reason = file === 'unreadable' ? file : await conflictOf(path, file, target, { store, place });
    const canForce = reason === undefined || FORCEABLE.has(reason);
    const step = reason === 'later_step' ? target.laterStep : null;
    if (reason) plan.conflicts.push({ path, reason, step, canForce });
    if (canForce && file !== 'unreadable') plan.files.push({ path, from: file.from, to: target.to });
  }
  return plan;
}

/** What is at the path of a file. */
interface Present {
  stats: Stats | undefined;
  found: FoundFile | undefined;
  from: FileVersion | null;
}

async function look(tree: WorkspaceTree, path: string): Promise<Present | 'unreadable'> {
  try {
    const stats = await tree.stat(path);
    const found = stats && (await tree.find(path));
    return { stats, found, from: found?.version ?? null };
  } catch (error) {
    if (error instanceof UnreadableError) return 'unreadable';
    throw error;
  }
}

/** Why a file cannot be restored just so. Keeps what is there. */
async function conflictOf(
  path: string,
  { stats, found, from }: Present,
  { to, expected, laterStep }: Target,
  { store, place }: { store: CheckpointStore; place: PlaceCheck },
): Promise<ConflictReason | undefined> {
  if (from === null && to !== null && !(await place.isFree(path, stats))) return 'not_a_file';
  if (!store.has(to)) return 'not_kept';
  if (from?.hash === null || !(await store.keep(found))) return 'too_large';
  if (sameVersion(from, expected)) return undefined;
  return laterStep === null ? 'changed' : 'later_step';
}

/** Whether a file can be written where there is none, when the restore has removed what it removes. */
class PlaceCheck {
  private readonly removed: ReadonlySet<string>;

  constructor(
    private readonly tree: WorkspaceTree,
    targets: ReadonlyMap<string, Target>,
  ) {
    this.removed = new Set([...targets].filter(([, { to }]) => to === null).map(([file]) => file));
  }

  /** @param stats of what is at the path and is no file */
  async isFree(path: string, stats: Stats | undefined): Promise<boolean> {
    if (stats) {
      const files = stats.isDirectory() ? await this.tree.filesBelow(path) : undefined;
      return files?.every((file) => this.removed.has(file)) === true;
    }
    const obstacle = await this.tree.obstacle(path);
    return obstacle === undefined || this.removed.has(obstacle);
  }
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
      if (wanted && !isIn(wanted, path)) continue;
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
