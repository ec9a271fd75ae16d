import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { PathHandle, type FileRules } from '../../files/index.js';
import { inSlices, turnForFile } from '../../flow/index.js';
import type { FolderBudget } from './folder-budget.js';
import { MissedFolders } from './missed-folders.js';
import type { WatchGap } from './watch-frames.js';
import {
  entryOf,
  hasOtherRules,
  parentOf,
  readRules,
  watchFolder,
  type WatchedFolder,
} from './watched-folder.js';
import { WatchedNodes, type WatchedNode } from './watched-nodes.js';

/** The most folders of one tree. */
const MAX_FOLDERS = 25_000;
/** Folders that are read at the same time. */
const WIDTH = 8;

/** What is at a name of a watched folder. */
interface FoundName {
  name: string;
  kind: 'file' | 'folder' | 'other' | 'missing';
  inode: number;
}

/** The folders of a tree that are watched, all but those of git and what `.gitignore` leaves out. */
export class FolderSet {
  private readonly nodes = new WatchedNodes();
  private readonly missed = new MissedFolders();
  private isClosed = false;

  /** @param changed called with the relative path of a folder and the name of what has changed in it */
  constructor(
    private readonly root: string,
    private readonly rules: FileRules,
    private readonly budget: FolderBudget,
    private readonly changed: (folder: string, name: string) => void,
  ) {}

  get size(): number {
    return this.nodes.size;
  }

  /** Why some folders are not watched. */
  get gaps(): ReadonlySet<WatchGap> {
    return this.missed.gaps;
  }

  has(folder: string): boolean {
    return this.nodes.get(folder) !== undefined;
  }

  /** Whether a watched folder is still the one at its path. */
  isSame(folder: string, inode: number): boolean {
    return this.nodes.get(folder)?.folder.inode === inode;
  }

  /** Whether nothing below a folder is watched: it is git's, or ignored. */
  isLeftOut(folder: string): boolean {
    return this.nodes.isLeftOut(folder);
  }

  /** Watches a folder and those below it. */
  async add(folder: string): Promise<void> {
    const queue = [folder];
    const work = async (): Promise<void> => {
      for (let next = queue.pop(); next !== undefined && !this.isClosed; next = queue.pop())
        for (const below of await this.addOne(next)) queue.push(below);
    };
    // The first alone: the others have nothing to do before.
    for (const below of await this.addOne(queue.pop() ?? '')) queue.push(below);
    while (queue.length > 0 && !this.isClosed) await Promise.all(Array.from({ length: WIDTH }, work));
  }

  /** Watches folders in a folder that are not watched yet, and none that is gone. */
  async refresh(folder: string): Promise<void> {
    const names = await this.withHandle(folder, async (handle) => {
      const entries = await handle.entries();
      return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    });
    const node = this.nodes.get(folder);
    if (!names || !node) return;
    const wanted = new Set(await this.withoutLeftOut(node, names));
    for (const name of [...node.children.keys()]) if (!wanted.has(name)) this.remove(entryOf(folder, name));
    for (const name of wanted) if (!node.children.has(name)) await this.add(entryOf(folder, name));
  }

  /** Reads the `.gitignore` of a folder again. */
  async refreshRules(folder: string): Promise<void> {
    const known = this.nodes.get(folder);
    if (!known) return;
    await this.withHandle(folder, async (handle) => {
      known.folder.ignore = await readRules(handle);
    });
    this.nodes.updateRules(folder);
    for (const below of await inSlices(this.reconsidered(folder))) await this.refresh(below);
  }

  /** Looks at a folder of which it is not known what has changed in it. */
  async reread(folder: string): Promise<void> {
    const known = this.nodes.get(folder);
    if (!known) return;
    const isOther = await this.withHandle(folder, (handle) => hasOtherRules(handle, known.folder));
    if (isOther === true) await this.refreshRules(folder);
    await this.refresh(folder);
  }

  /** Looks at all folders again. */
  async rereadAll(): Promise<void> {
    for (const { path: folder } of this.nodes.below('')) if (!this.isClosed) await this.reread(folder);
  }

  /**
   * Tries to watch what could not be watched before.
   * @returns whether something is watched that was not
   */
  async retry(): Promise<boolean> {
    const before = this.size;
    const isWhole = this.missed.hasOthers;
    // What is in the folders above them now: names may have been other ones, too.
    const above = new Set(this.missed.take().map((folder) => (folder === '' ? '' : parentOf(folder))));
    if (!this.has('')) await this.add('');
    for (const folder of above) await this.refresh(folder);
    if (isWhole) await this.rereadAll();
    return this.size > before;
  }

  /** Whether something is missing that might be watched now. */
  get hasRoomForMissed(): boolean {
    const gaps = [...this.gaps];
    return gaps.some((gap) => {
      if (gap === 'too-many-folders') return this.size < MAX_FOLDERS;
      return gap !== 'server-limit' || this.budget.hasRoom;
    });
  }

  /** Watches a folder and those below it no longer. */
  remove(folder: string): void {
    void inSlices(this.closing(this.nodes.take(folder)));
  }

  /** What is at some names of a folder now; undefined if the folder itself is gone. */
  async kinds(folder: string, names: Iterable<string>): Promise<FoundName[] | undefined> {
    return this.withHandle(folder, async (handle) => {
      const found: FoundName[] = [];
      for (const name of names) {
        const stats = await lstat(handle.at(name)).catch(() => undefined);
        const kind = stats?.isFile() ? 'file' : stats?.isDirectory() ? 'folder' : stats ? 'other' : 'missing';
        found.push({ name, kind, inode: stats?.ino ?? 0 });
      }
      return found;
    });
  }

  close(): void {
    this.isClosed = true;
    this.remove('');
  }

  /** Watches one folder; returns those in it that are to be watched, too. */
  private async addOne(folder: string): Promise<string[]> {
    if (this.has(folder)) return [];
    if (this.size >= MAX_FOLDERS) return this.miss(folder, 'too-many-folders');
    if (!this.budget.take()) return this.miss(folder, 'server-limit');
    await turnForFile();
    const found = await watchFolder(path.join(this.root, folder), this.rules, (name) =>
      this.changed(folder, name),
    ).catch((error: unknown) => {
      this.budget.release();
      throw error;
    });
    if (typeof found !== 'object') {
      this.budget.release();
      this.missed.delete(folder);
      return found === undefined ? [] : this.miss(folder, found);
    }
    const node = this.isClosed || this.has(folder) ? undefined : this.nodes.add(folder, found.folder);
    if (!node) {
      this.closeOne(found.folder);
      return [];
    }
    this.missed.delete(folder);
    const names = await this.withoutLeftOut(node, found.folders);
    return names.map((name) => entryOf(folder, name));
  }

  private miss(folder: string, gap: WatchGap): string[] {
    this.missed.add(folder, gap);
    return [];
  }

  /** Of the folders in a folder, those that are watched. */
  private async withoutLeftOut(node: WatchedNode, names: readonly string[]): Promise<string[]> {
    const wanted = await inSlices(this.wanted(node, names));
    node.hasLeftOut = wanted.length < names.length;
    return wanted;
  }

  private *wanted({ path: folder }: WatchedNode, names: readonly string[]): Generator<void, string[]> {
    const wanted: string[] = [];
    for (const name of names) {
      if (!this.isLeftOut(entryOf(folder, name))) wanted.push(name);
      yield;
    }
    return wanted;
  }

  /**
   * After a change of rules: those below a folder that are left out now are not watched any more.
   * @returns the folders in which some were left out before, and may not be now
   */
  private *reconsidered(folder: string): Generator<void, string[]> {
    const open: string[] = [];
    for (const node of this.nodes.below(folder)) {
      yield;
      if (!this.has(node.path)) continue;
      if (node.path !== folder && this.isLeftOut(node.path)) {
        const parent = this.nodes.get(parentOf(node.path));
        if (parent) parent.hasLeftOut = true;
        this.remove(node.path);
      } else if (node.hasLeftOut) open.push(node.path);
    }
    return open;
  }

  private *closing(nodes: readonly WatchedNode[]): Generator<void, void> {
    for (const { folder } of nodes) {
      this.closeOne(folder);
      yield;
    }
  }

  private closeOne({ watcher }: WatchedFolder): void {
    watcher.close();
    this.budget.release();
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
