/** More names in a folder are not told apart. */
const MAX_NAMES = 100;
/** More changes than these at a time: the system may have dropped some. */
const MAX_CHANGES = 4_000;

/** What has changed since it was taken last, in bounded space whatever happens. */
export class PendingChanges {
  private folders = new Map<string, Set<string> | 'many'>();
  private count = 0;

  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** @param folder relative path of a folder that is watched, so that there are only so many */
  add(folder: string, name: string): void {
    this.count += 1;
    const known = this.folders.get(folder);
    if (known === 'many') return;
    const names = known ?? new Set();
    names.add(name);
    this.folders.set(folder, names.size > MAX_NAMES ? 'many' : names);
  }

  /** What has changed, by folder; `isFlood` if there may be more. */
  take(): { folders: ReadonlyMap<string, ReadonlySet<string> | 'many'>; isFlood: boolean } {
    const taken = { folders: this.folders, isFlood: this.count > MAX_CHANGES };
    this.folders = new Map();
    this.count = 0;
    return taken;
  }
}
