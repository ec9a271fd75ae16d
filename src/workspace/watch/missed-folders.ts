import type { WatchGap } from './watch-frames.js';

/** More folders are not remembered one by one. */
const MAX_FOLDERS = 1_000;

/** The folders of a tree that should be watched and are not, in bounded space. */
export class MissedFolders {
  private readonly folders = new Map<string, WatchGap>();
  /** Of those that are not remembered. */
  private readonly others = new Set<WatchGap>();

  /** Why folders are not watched. */
  get gaps(): ReadonlySet<WatchGap> {
    return new Set([...this.folders.values(), ...this.others]);
  }

  get isEmpty(): boolean {
    return this.folders.size === 0 && this.others.size === 0;
  }

  /** Some are not remembered: only a look at the whole tree finds them. */
  get hasOthers(): boolean {
    return this.others.size > 0;
  }

  add(folder: string, gap: WatchGap): void {
    if (this.folders.size < MAX_FOLDERS || this.folders.has(folder)) this.folders.set(folder, gap);
    else this.others.add(gap);
  }

  /** A folder is watched now, or is gone. */
  delete(folder: string): void {
    this.folders.delete(folder);
  }

  /** Forgets all. @returns those that were remembered */
  take(): string[] {
    const folders = [...this.folders.keys()];
    this.folders.clear();
    this.others.clear();
    return folders;
  }
}
