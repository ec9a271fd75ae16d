/** Why a tree is not watched as a whole. */
export type WatchGap =
  /** It has more folders than a tree may have. */
  | 'too-many-folders'
  /** The server watches as many folders as it may. */
  | 'server-limit'
  /** The system gives no more watches (`fs.inotify.max_user_watches`). */
  | 'system-limit'
  /** Folders that could not be read, or whose names are no UTF-8. */
  | 'unreadable';

/** The state of a watched tree. */
export interface WatchStatus {
  type: 'status';
  /**
   * `starting`: folders are still being found. `partial`: changes in some folders are not seen; the server
   * tries again now and then. `gone`: the folder itself was removed; nothing follows.
   */
  state: 'starting' | 'watching' | 'partial' | 'gone';
  /** Folders that are watched. */
  folders: number;
  /** Why some are not. */
  gaps: WatchGap[];
}

/** Something that changed. */
interface ChangedPath {
  /** Relative to the watched folder. */
  path: string;
  /** What is there now. */
  kind: 'file' | 'folder' | 'other' | 'missing';
}

/** What changed within a tenth of a second or more. */
export interface WatchChanges {
  type: 'changes';
  paths: ChangedPath[];
  /** There were too many to name them: look again. */
  overflow: boolean;
  /** Git may say something else: its index or HEAD has changed. */
  git: boolean;
}

/** What viewers of a tree are sent. */
export type WatchFrame = WatchStatus | WatchChanges;
