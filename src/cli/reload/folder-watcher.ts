import { watch, type FSWatcher } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { SerialQueue } from '../../flow/index.js';

/**
 * Time without further changes before a change is reported (ms), so that many saves or a build count once.
 */
const QUIET_MS = 200;

/**
 * Reports changes of files below a folder. Watches each folder separately, because on Linux Node's recursive
 * watch loses files that editors replace by renaming. Compares names, sizes and times to find out whether
 * something really changed.
 */
export class FolderWatcher {
  private readonly watches = new Map<string, FSWatcher>();
  private lastSnapshot = '';
  private timer: NodeJS.Timeout | undefined;
  private readonly comparisons = new SerialQueue();
  private closed = false;

  private constructor(
    private readonly folder: string,
    private readonly isRelevant: (file: string) => boolean,
    private readonly onChange: () => void,
  ) {}

  /**
   * Starts to watch. Stop it with `close`.
   * @param isRelevant whether changes of a file are reported
   */
  static async open(folder: string, isRelevant: (file: string) => boolean, onChange: () => void) {
    const watcher = new FolderWatcher(folder, isRelevant, onChange);
    watcher.lastSnapshot = await watcher.snapshot();
    // Compares again: files may have changed before their folder was watched.
    watcher.scheduleComparison();
    return watcher;
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    for (const watch of this.watches.values()) watch.close();
    this.watches.clear();
  }

  private scheduleComparison(): void {
    if (this.closed) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.comparisons.run(() => this.compare()), QUIET_MS);
  }

  private async compare(): Promise<void> {
    const now = await this.snapshot();
    if (this.closed || now === this.lastSnapshot) return;
    this.lastSnapshot = now;
    this.onChange();
  }

  /** Watches every folder, and returns a description of all files. */
  private async snapshot(): Promise<string> {
    const facts: string[] = [];
    const folders = new Set<string>();
    const visit = async (folder: string): Promise<void> => {
      folders.add(folder);
      // Before it is read, so that no new file is missed.
      this.watchFolder(folder);
      for (const entry of await orIfMissing(readdir(folder, { withFileTypes: true }), [])) {
        const file = path.join(folder, entry.name);
        if (entry.isDirectory()) await visit(file);
        else if (this.isRelevant(file)) facts.push(`${file} ${await describe(file)}`);
      }
    };
    await visit(this.folder);
    for (const [folder, watch] of this.watches) {
      if (folders.has(folder)) continue;
      watch.close();
      this.watches.delete(folder);
    }
    return facts.sort().join('\n');
  }

  private watchFolder(folder: string): void {
    if (this.closed || this.watches.has(folder)) return;
    try {
      const watching = watch(folder, () => this.scheduleComparison());
      // The folder was removed: the next comparison drops it.
      watching.on('error', () => this.scheduleComparison());
      this.watches.set(folder, watching);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
    }
  }
}

async function describe(file: string): Promise<string> {
  const facts = await orIfMissing(stat(file), undefined);
  return facts === undefined ? 'gone' : `${facts.size} ${facts.mtimeMs}`;
}

async function orIfMissing<T>(reading: Promise<T>, fallback: T): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return fallback;
    throw error;
  }
}
