import { randomBytes, randomUUID } from 'node:crypto';
import { utcTimestamp } from '../../events/index.js';
import type { BegunRestore, PlannedFile } from '../store/log-entry.js';
import type { CheckpointStore } from '../store/checkpoint-store.js';
import type { WorkspaceTree } from '../tree/workspace-tree.js';
import type { Checkpoint, RestoreScope } from '../version.js';
import { applyRestore, removeTemporary, type AppliedRestore, type FailedFile } from './apply-restore.js';

/** What a restore has done. */
export interface RestoreResult {
  /** The restore as a step of its own; null if there was nothing to do. */
  checkpoint: Checkpoint | null;
  failed: readonly FailedFile[];
}

/** Tells of a restore. After a crash it may be called for one that was told of already. */
export type TellRestore = (restore: BegunRestore, applied: AppliedRestore) => Promise<void>;

/** Does a restore that was planned. Whatever a crash cuts off, `finishInterrupted` does. */
export async function runRestore(
  store: CheckpointStore,
  tree: WorkspaceTree,
  planned: { scope: RestoreScope; files: readonly PlannedFile[] },
  tell: TellRestore,
): Promise<RestoreResult> {
  const mark = `restore-${randomBytes(8).toString('hex')}`;
  const begun = { ...planned, mark, messageId: randomUUID(), startedAt: utcTimestamp() };
  // What it replaces may have no other copy.
  await store.objects.flush(planned.files.flatMap(({ from }) => from?.hash ?? []));
  await store.log.beginRestore(begun);
  return finish(store, tree, begun, tell);
}

/** Finishes the restore in whose middle the server has ended, if there is one. */
export async function finishInterrupted(
  store: CheckpointStore,
  tree: WorkspaceTree,
  tell: TellRestore,
): Promise<void> {
  const { restore } = store.log;
  if (!restore) return;
  await removeTemporary(tree, restore);
  await finish(store, tree, restore, tell);
}

/** It is told of before the end is recorded: after a crash in between both are done again. */
async function finish(
  store: CheckpointStore,
  tree: WorkspaceTree,
  begun: BegunRestore,
  tell: TellRestore,
): Promise<RestoreResult> {
  const applied = await applyRestore(store, tree, begun);
  await tell(begun, applied);
  const { messageId, scope, startedAt } = begun;
  const { changes, failed } = applied;
  const incomplete = failed.map(({ path: file, reason }) => ({
    reason: 'unreadable' as const,
    detail: `${file}: ${reason}`,
  }));
  const step = { eventId: messageId, tool: 'restore', startedAt, endedAt: utcTimestamp(), changes };
  return { checkpoint: await store.add({ ...step, incomplete, restore: scope }), failed };
}
