/** What a file was at a moment. */
export interface FileVersion {
  kind: 'file' | 'link';
  /** Bytes; of a link, those of its target. */
  size: number;
  /** Permissions, without the bits that let others run a file as its owner. */
  mode: number;
  /** SHA-256 of the content in hexadecimal digits; null if it was too large or could not be read. */
  hash: string | null;
}

/** A file that a step has changed. Null: there was no such file. */
export interface FileChange {
  /** Below the workspace, with slashes. */
  path: string;
  before: FileVersion | null;
  after: FileVersion | null;
}

/** Why a checkpoint does not have everything. */
export type IncompleteReason =
  /** The workspace has more files than are looked at. */
  | 'too_many_files'
  /** The step has changed more files than are recorded. */
  | 'too_many_changes'
  /** Files before the first command were too many or too large in all to keep their contents. */
  | 'not_kept'
  /** There is no room for the content of the conversation's files any more. */
  | 'full'
  /** A tool has named a file outside of the workspace. */
  | 'outside'
  /** The workspace, or parts of it, could not be read. */
  | 'unreadable'
  /** The server ended before the step was over. */
  | 'interrupted';

/** What is missing in a checkpoint, and why. */
export interface Incomplete {
  reason: IncompleteReason;
  detail: string;
}

/** What a restore was asked for. */
export interface RestoreScope {
  /** The number of the step. */
  step: number;
  /** `since`: this step and all later ones are undone; `only`: this step alone. */
  mode: 'since' | 'only';
  /** The files; null: all. */
  paths: readonly string[] | null;
}

/** What a step of a conversation has done to the files of its workspace. */
export interface Checkpoint {
  /** From 1, in the order in which the steps ended. */
  number: number;
  /** The action, or the message that tells of a restore; null for a turn of an external agent. */
  eventId: string | null;
  /** The tool; `restore` for a restore, `agent` for a turn of an external agent. */
  tool: string;
  /** UTC. */
  startedAt: string;
  endedAt: string;
  changes: readonly FileChange[];
  incomplete: readonly Incomplete[];
  restore?: RestoreScope;
}

/**
 * Whether two versions are the same content with the same permissions. Unknown contents are never the same.
 */
export function sameVersion(one: FileVersion | null, other: FileVersion | null): boolean {
  if (one === null || other === null) return one === other;
  const isSame = one.kind === other.kind && one.hash !== null && one.hash === other.hash;
  return isSame && (one.kind === 'link' || one.mode === other.mode);
}
