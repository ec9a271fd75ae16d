import type { Checkpoint, FileChange, FileDiff, FileVersion } from '../../checkpoints/index.js';

/** A version of a file, with the field names of the wire. */
export interface VersionItem {
  kind: 'file' | 'link';
  size: number;
  /** Octal digits. */
  mode: string;
  sha256: string | null;
  /** Its content can be read and restored. */
  kept: boolean;
}

/** A changed file, with the field names of the wire. */
export interface FileChangeItem {
  path: string;
  change: 'created' | 'modified' | 'deleted';
  before: VersionItem | null;
  after: VersionItem | null;
  /** Of a created file: a deleted one with the same content. */
  renamed_from: string | null;
}

/** A checkpoint, with the field names of the wire. */
export interface CheckpointItem {
  step: number;
  event_id: string | null;
  seq: number | null;
  tool: string;
  started_at: string;
  ended_at: string;
  files: FileChangeItem[];
  incomplete: readonly { reason: string; detail: string }[];
  restore: { step: number; mode: string; paths: readonly string[] | null } | null;
}

/** A file of a comparison, with the field names of the wire. */
export interface FileDiffItem {
  path: string;
  change: FileChangeItem['change'];
  before: Omit<VersionItem, 'kept'> | null;
  after: Omit<VersionItem, 'kept'> | null;
  binary: boolean;
  diff: string | null;
  /** The end of `diff` is left out. */
  truncated: boolean;
  omitted: string | null;
}

/** @param has whether the content of a version is kept */
export function checkpointItem(
  { number, eventId, tool, startedAt, endedAt, changes, incomplete, restore }: Checkpoint,
  seq: number | undefined,
  has: (version: FileVersion | null) => boolean,
): CheckpointItem {
  const origins = renames(changes);
  return {
    step: number,
    event_id: eventId,
    seq: seq ?? null,
    tool,
    started_at: startedAt,
    ended_at: endedAt,
    files: changes.map(({ path, before, after }) => ({
      path,
      change: changeOf(before, after),
      before: before && { ...versionItem(before), kept: has(before) },
      after: after && { ...versionItem(after), kept: has(after) },
      renamed_from: origins.get(path) ?? null,
    })),
    incomplete,
    restore: restore ?? null,
  };
}

/** @param diff null if there is no room for it in the answer */
export function fileDiffItem(
  path: string,
  before: FileVersion | null,
  after: FileVersion | null,
  diff: FileDiff | null,
): FileDiffItem {
  return {
    path,
    change: changeOf(before, after),
    before: before && versionItem(before),
    after: after && versionItem(after),
    binary: diff?.isBinary ?? false,
    diff: diff?.text ?? null,
    truncated: diff?.isTruncated ?? false,
    omitted: diff ? diff.missing : 'too_much',
  };
}

function versionItem({ kind, size, mode, hash }: FileVersion): Omit<VersionItem, 'kept'> {
  return { kind, size, mode: mode.toString(8).padStart(3, '0'), sha256: hash };
}

function changeOf(before: FileVersion | null, after: FileVersion | null): FileChangeItem['change'] {
  if (before === null) return 'created';
  return after === null ? 'deleted' : 'modified';
}

/** Created files by the deleted ones that had the same content. */
function renames(changes: readonly FileChange[]): Map<string, string> {
  const deleted = new Map<string, string>();
  for (const { path, before, after } of changes)
    if (!after && before?.hash && before.size > 0) deleted.set(before.hash, path);
  const found = new Map<string, string>();
  for (const { path, before, after } of changes) {
    const origin = before === null && after?.hash ? deleted.get(after.hash) : undefined;
    if (origin !== undefined && after?.hash) {
      found.set(path, origin);
      deleted.delete(after.hash);
    }
  }
  return found;
}
