import { watch, type FSWatcher } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { SerialQueue } from '../../flow/index.js';

/** Who saves many files, or a build, is left to finish: a change counts after this time of quiet. */
const QUIET_MS = 200;

/**
 * Tells when files below a folder have changed. One watch a folder, because on Linux Node's recursive watch
 * loses files that editors replace by renaming; what really changed is found by comparing names, sizes and
 * times.
 */
export class FolderWatcher {
  private readonly watches = new Map<string, FSWatcher>();
  private seen = '';
  private quiet: NodeJS.Timeout | undefined;
  private readonly comparisons = new SerialQueue();
  private closed = false;

  private constructor(
    private readonly folder: string,
    private readonly counts: (file: string) => boolean,
    private readonly onChange: () => void,
  ) {}

  /**
   * Watches from now on. End it with `close`.
   * @param counts whether changes of this file matter
   */
  static async open(folder: string, counts: (file: string) => boolean, onChange: () => void) {
    const watcher = new FolderWatcher(folder, counts, onChange);
    watcher.seen = await watcher.look();
    // Again, for what changed between the first look and its watches.
    watcher.later();
    return watcher;
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.quiet);
    for (const watch of this.watches.values()) watch.close();
    this.watches.clear();
  }

  private later(): void {
    if (this.closed) return;
    clearTimeout(this.quiet);
    this.quiet = setTimeout(() => void this.comparisons.run(() => this.compare()), QUIET_MS);
  }

  private async compare(): Promise<void> {
    const now = await this.look();
    if (this.closed || now === this.seen) return;
    this.seen = now;
    this.onChange();
  }

  /** Watches every folder that is there, and answers what the files look like. */
  private async look(): Promise<string> {
    const facts: string[] = [];
    const folders = new Set<string>();
    const visit = async (folder: string): Promise<void> => {
      folders.add(folder);
      // Before it is read, so that nothing is made in between.
      this.watchFolder(folder);
      for (const entry of await ifThere(readdir(folder, { withFileTypes: true }), [])) {
        const file = path.join(folder, entry.name);
        if (entry.isDirectory()) await visit(file);
        else if (this.counts(file)) facts.push(`${file} ${await describe(file)}`);
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
      const watching = watch(folder, () => this.later());
      // A folder that is removed: the next look no longer finds it.
      watching.on('error', () => this.later());
      this.watches.set(folder, watching);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
    }
  }
}

async function describe(file: string): Promise<string> {
  const facts = await ifThere(stat(file), undefined);
  return facts === undefined ? 'gone' : `${facts.size} ${facts.mtimeMs}`;
}

async function ifThere<T>(reading: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return otherwise;
    throw error;
  }
}
