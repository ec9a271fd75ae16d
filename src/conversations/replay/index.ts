export type { Divergence, DivergenceKind } from './divergence.js';
export { readRecorded, type Recorded, recordedFolder, Replay, type ReplayReport } from './replay.js';
export { ReplayError } from './replay-error.js';
export { ReplayPlayer } from './replay-player.js';
export { FolderMapping } from './replay-texts.js';
export { type ReplayToolOptions, ReplayToolRegistry } from './replay-tools.js';
export { type ReplayChanges, replayedState } from './replayed-state.js';
