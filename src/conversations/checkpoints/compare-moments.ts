import {
  diffOf,
  UnreadableError,
  versionsAt,
  type Checkpoint,
  type CheckpointStore,
  type Content,
  type FileVersion,
  type Moment,
  type WorkspaceTree,
} from '../../checkpoints/index.js';
import { turnToWork } from '../../flow/index.js';
import { fileDiffItem, type FileDiffItem } from './checkpoint-items.js';

/** Files of a comparison, characters of its text, and its time (ms). */
const MAX_COMPARED_FILES = 500;
const MAX_DIFF_TEXT = 2 * 1024 * 1024;
const MAX_COMPARE_MS = 5_000;

/** A comparison of two moments. */
export interface CheckpointDiff {
  from: Moment;
  to: Moment;
  files: FileDiffItem[];
  truncated: boolean;
}

/** What a comparison is about. */
export interface Comparison {
  from: Moment;
  to: Moment;
  /** A path; then only this file is compared. */
  only: string | null;
  /** The steps when it was asked for. */
  steps: readonly Checkpoint[];
}

/** Compares what the files were at two moments. Steps may begin and end meanwhile. */
export async function compareMoments(
  { from, to, only, steps }: Comparison,
  store: CheckpointStore,
  tree: WorkspaceTree,
): Promise<CheckpointDiff> {
  const end = performance.now() + MAX_COMPARE_MS;
  const [old, now] = [versions(steps, from), versions(steps, to)];
  const paths = only === null ? [...old.keys()].sort() : [only].filter((path) => old.has(path));
  const files: FileDiffItem[] = [];
  let left = MAX_DIFF_TEXT;
  for (const path of paths) {
    const before = await versionAt(tree, from, path, old.get(path) ?? null);
    const after = await versionAt(tree, to, path, now.get(path) ?? null);
    if (isSame(before.version, after.version)) continue;
    if (files.length >= MAX_COMPARED_FILES || performance.now() > end)
      return { from, to, files, truncated: true };
    // Each comparison may take a while.
    await turnToWork();
    const diff =
      left > 0 ? diffOf(path, await contentOf(store, before), await contentOf(store, after)) : null;
    left -= diff?.text?.length ?? 0;
    files.push(fileDiffItem(path, before.version, after.version, diff));
  }
  return { from, to, files, truncated: false };
}

/** All moments have the same paths. */
function versions(steps: readonly Checkpoint[], moment: Moment): Map<string, FileVersion | null> {
  if (moment === 'now') return versionsAt(steps, Infinity);
  return versionsAt(steps, moment === 'beginning' ? 0 : moment);
}

async function versionAt(
  tree: WorkspaceTree,
  moment: Moment,
  path: string,
  version: FileVersion | null,
): Promise<Content> {
  if (moment !== 'now') return { version, bytes: undefined };
  try {
    const found = await tree.find(path);
    return { version: found?.version ?? null, bytes: found?.bytes };
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
    return { version: version && { ...version, hash: null }, bytes: undefined };
  }
}

async function contentOf(store: CheckpointStore, { version, bytes }: Content): Promise<Content> {
  if (bytes !== undefined || !version?.hash) return { version, bytes };
  return { version, bytes: await store.objects.read(version.hash) };
}

function isSame(one: FileVersion | null, other: FileVersion | null): boolean {
  if (one === null || other === null) return one === other;
  if (one.hash === null && other.hash === null) return one.size === other.size && one.mode === other.mode;
  return one.hash === other.hash && one.kind === other.kind && one.mode === other.mode;
}
