export { diffOf, type Content, type FileDiff } from './diff/file-diff.js';
export { versionsAt, type Moment } from './diff/versions-at.js';
export {
  CheckpointRecorder,
  type CheckpointLimits,
  type CheckpointPlace,
  type StepToRecord,
} from './recorder.js';
export type { AppliedRestore, FailedFile } from './restore/apply-restore.js';
export {
  finishInterrupted,
  runRestore,
  type RestoreResult,
  type TellRestore,
} from './restore/finish-restore.js';
export { planRestore, type RestoreConflict, type RestorePlan } from './restore/plan-restore.js';
export type { BegunRestore, PlannedFile } from './store/log-entry.js';
export { copyCheckpoints } from './store/copy-checkpoints.js';
export type { CheckpointStore } from './store/checkpoint-store.js';
export { isFilePath } from './tree/workspace-path.js';
export { UnreadableError, type WorkspaceTree } from './tree/workspace-tree.js';
export {
  sameVersion,
  type Checkpoint,
  type FileChange,
  type FileVersion,
  type Incomplete,
  type RestoreScope,
} from './version.js';
