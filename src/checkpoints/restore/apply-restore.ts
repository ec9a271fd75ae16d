import path from 'node:path';
import { errorMessage } from '../../errors/index.js';
import type { BegunRestore, PlannedFile } from '../store/log-entry.js';
import type { CheckpointStore } from '../store/checkpoint-store.js';
import type { WorkspaceTree } from '../tree/workspace-tree.js';
import { sameVersion, type FileChange } from '../version.js';

/** A file that could not be restored. */
export interface FailedFile {
  path: string;
  reason: string;
}

/** What a restore has done. */
export interface AppliedRestore {
  changes: FileChange[];
  failed: FailedFile[];
}

/**
 * Does what a restore has planned, also the rest of one that a crash has cut off: files that are restored
 * already are left, and those that have changed since it was planned as well.
 */
export async function applyRestore(
  store: CheckpointStore,
  tree: WorkspaceTree,
  { files, mark }: Pick<BegunRestore, 'files' | 'mark'>,
): Promise<AppliedRestore> {
  const result: AppliedRestore = { changes: [], failed: [] };
  const removed = files.filter(({ to }) => to === null);
  const written = files.filter(({ to }) => to !== null);
  // What goes comes first: a folder may take the place of a file, and a file that of a folder.
  for (const file of [...removed, ...written]) {
    try {
      await applyFile(store, tree, file, mark);
      result.changes.push({ path: file.path, before: file.from, after: file.to });
    } catch (error) {
      result.failed.push({ path: file.path, reason: errorMessage(error) });
    }
  }
  // Last: a folder that gets another file keeps its permissions.
  for (const { path: file } of removed) await tree.prune(file).catch(() => undefined);
  return result;
}

/** Removes what a crash has left of a file that was being written. */
export async function removeTemporary(
  tree: WorkspaceTree,
  { files, mark }: Pick<BegunRestore, 'files' | 'mark'>,
): Promise<void> {
  const folders = new Set(files.map((file) => path.dirname(file.path)));
  for (const folder of folders) await tree.remove(path.join(folder, `.${mark}.tmp`)).catch(() => undefined);
}

async function applyFile(
  store: CheckpointStore,
  tree: WorkspaceTree,
  { path: file, from, to }: PlannedFile,
  mark: string,
): Promise<void> {
  const now = (await tree.find(file))?.version ?? null;
  if (sameVersion(now, to)) return;
  const isUnknown = from?.hash === null && now?.hash === null && now.size === from.size;
  if (!sameVersion(now, from) && !isUnknown) throw new Error('it has changed meanwhile');
  if (to === null) return tree.remove(file);
  const bytes = await store.objects.read(to.hash ?? '');
  if (!bytes) throw new Error('its content is not kept any more');
  await tree.put(file, to, bytes, mark);
}
