import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { PathHandle, type FileRules } from '../../files/index.js';
import type { FolderBudget } from './folder-budget.js';
import type { WatchGap } from './watch-frames.js';
import { entryOf, parentOf, readRules, watchFolder, type WatchedFolder } from './watched-folder.js';

/** The most folders of one tree. */
const MAX_FOLDERS = 25_000;
/** Folders that are read at the same time. */
const WIDTH = 8;

/** The folders of a tree that are watched, all but those of git and what `.gitignore` leaves out. */
export class FolderSet {
  private readonly folders = new Map<string, WatchedFolder>();
  readonly gaps = new Set<WatchGap>();
  private isClosed = false;

  /** @param changed called with the relative path of a folder and the name of what has changed in it */
  constructor(
    private readonly root: string,
    private readonly rules: FileRules,
    private readonly budget: FolderBudget,
    private readonly changed: (folder: string, name: string) => void,
  ) {}

  get size(): number {
    return this.folders.size;
  }

  has(folder: string): boolean {
    return this.folders.has(folder);
  }

  /** Whether a watched folder is still the one at its path. */
  isSame(folder: string, inode: number): boolean {
    return this.folders.get(folder)?.inode === inode;
  }

  /** Watches a folder and those below it. */
  async add(folder: string): Promise<void> {
    const queue = [folder];
    const work = async (): Promise<void> => {
      for (let next = queue.pop(); next !== undefined && !this.isClosed; next = queue.pop())
        queue.push(...(await this.addOne(next)));
    };
    // The first alone: the others have nothing to do before.
    queue.push(...(await this.addOne(queue.pop() ?? '')));
    while (queue.length > 0 && !this.isClosed) await Promise.all(Array.from({ length: WIDTH }, work));
  }

  /** Watches folders in a folder that are not watched yet, and none that is gone. */
  async refresh(folder: string): Promise<void> {
    const names = await this.subfolders(folder);
    if (!names) return;
    const present = new Set(names.map((name) => entryOf(folder, name)));
    for (const known of [...this.folders.keys()])
      if (known !== '' && parentOf(known) === folder && (!present.has(known) || this.isLeftOut(known)))
        this.remove(known);
    for (const below of present) if (!this.has(below) && !this.isLeftOut(below)) await this.add(below);
  }

  /** Reads the `.gitignore` of a folder again. */
  async refreshRules(folder: string): Promise<void> {
    const known = this.folders.get(folder);
    if (!known) return;
    await this.withHandle(folder, async (handle) => {
      known.ignore = await readRules(handle.at('.gitignore'));
    });
    for (const below of [...this.folders.keys()]) if (isBelow(folder, below)) await this.refresh(below);
    await this.refresh(folder);
  }

  /** Looks at all folders again. */
  async refreshAll(): Promise<void> {
    for (const folder of [...this.folders.keys()]) if (this.has(folder)) await this.refresh(folder);
  }

  /** Watches a folder and those below it no longer. */
  remove(folder: string): void {
    for (const known of [...this.folders.keys()])
      if (known === folder || isBelow(folder, known)) this.removeOne(known);
  }

  /** What is at some names of a folder now; undefined if the folder itself is gone. */
  async kinds(
    folder: string,
    names: Iterable<string>,
  ): Promise<{ name: string; kind: 'file' | 'folder' | 'other' | 'missing'; inode: number }[] | undefined> {
    return this.withHandle(folder, async (handle) => {
      const found = [];
      for (const name of names) {
        const stats = await lstat(handle.at(name)).catch(() => undefined);
        const kind = stats?.isFile() ? 'file' : stats?.isDirectory() ? 'folder' : stats ? 'other' : 'missing';
        found.push({ name, kind, inode: stats?.ino ?? 0 } as const);
      }
      return found;
    });
  }

  /** Whether nothing below a folder is watched: it is git's, or ignored. */
  isLeftOut(folder: string): boolean {
    if (path.basename(folder) === '.git') return true;
    for (let at = parentOf(folder); ; at = parentOf(at)) {
      const below = at === '' ? folder : folder.slice(at.length + 1);
      const decision = this.folders.get(at)?.ignore?.ignores(below);
      if (decision !== undefined) return decision;
      if (at === '') return false;
    }
  }

  close(): void {
    this.isClosed = true;
    for (const folder of [...this.folders.keys()]) this.removeOne(folder);
  }

  /** Watches one folder; returns those in it that are to be watched, too. */
  private async addOne(folder: string): Promise<string[]> {
    if (this.has(folder)) return [];
    if (this.folders.size >= MAX_FOLDERS) return this.miss('too-many-folders');
    if (!this.budget.take()) return this.miss('server-limit');
    const found = await watchFolder(path.join(this.root, folder), this.rules, (name) =>
      this.changed(folder, name),
    ).catch((error: unknown) => {
      this.budget.release();
      throw error;
    });
    if (typeof found !== 'object' || this.isClosed || this.has(folder)) {
      this.budget.release();
      if (typeof found === 'object') found.folder.watcher.close();
      return typeof found === 'string' ? this.miss(found) : [];
    }
    this.folders.set(folder, found.folder);
    return found.folders.map((name) => entryOf(folder, name)).filter((below) => !this.isLeftOut(below));
  }

  private miss(gap: WatchGap): string[] {
    this.gaps.add(gap);
    return [];
  }

  private removeOne(folder: string): void {
    const known = this.folders.get(folder);
    if (!known) return;
    this.folders.delete(folder);
    known.watcher.close();
    this.budget.release();
  }

  private subfolders(folder: string): Promise<string[] | undefined> {
    return this.withHandle(folder, async (handle) => {
      const entries = await handle.entries();
      return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    });
  }

  /** Works in a folder of the tree; undefined if it is gone or cannot be read. */
  private async withHandle<T>(
    folder: string,
    work: (handle: PathHandle) => Promise<T>,
  ): Promise<T | undefined> {
    const real = path.join(this.root, folder);
    const options = { links: 'refused', isFolder: true } as const;
    const handle = await PathHandle.open(real, options).catch(() => undefined);
    if (!handle) return undefined;
    try {
      return handle.real === real ? await work(handle) : undefined;
    } catch {
      return undefined;
    } finally {
      handle.close();
    }
  }
}

function isBelow(folder: string, candidate: string): boolean {
  return folder === '' ? candidate !== '' : candidate.startsWith(`${folder}/`);
}
