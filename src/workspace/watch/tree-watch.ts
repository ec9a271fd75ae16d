import type { FileRules } from '../../files/index.js';
import type { FolderBudget } from './folder-budget.js';
import { FolderSet } from './folder-set.js';
import { PendingChanges } from './pending-changes.js';
import type { WatchChanges, WatchFrame, WatchStatus } from './watch-frames.js';
import { entryOf, SELF, watchFolder, type WatchedFolder } from './watched-folder.js';

/** Changes within this time are told together (ms). */
const WINDOW_MS = 100;
/** After a long look the next one waits as long again, up to this (ms). */
const MAX_PAUSE_MS = 10_000;
/** What could not be watched is tried again after this, then after twice as long, and so on (ms). */
const RETRY_MS = 2_000;
const MAX_RETRY_MS = 5 * 60_000;
/** More paths are not named. */
const MAX_PATHS = 200;
/** Files of git whose change says that the state of other files may be another one. */
const GIT_FILES = new Set(['HEAD', 'index', 'packed-refs']);

/**
 * Watches a folder and all below it for whoever shows it. Only names are told; nothing in the tree is
 * executed, and links are not followed. Its state and its effort are bounded: see `FolderSet` and
 * `PendingChanges`.
 */
export class TreeWatch {
  private readonly set: FolderSet;
  private readonly pending = new PendingChanges();
  private gitFolder: WatchedFolder | undefined;
  private gitChanged = false;
  private rootChanged = false;
  private timer: NodeJS.Timeout | undefined;
  private retryTimer: NodeJS.Timeout | undefined;
  private retryMs = RETRY_MS;
  private isRetryDue = false;
  private isLooking = true;
  private isClosed = false;
  private state: WatchStatus['state'] = 'starting';
  private told = '';

  /**
   * @param root real path
   * @param tell called with each frame for the viewers
   * @param failed called with unexpected errors
   */
  constructor(
    private readonly root: string,
    private readonly rules: FileRules,
    budget: FolderBudget,
    private readonly tell: (frame: WatchFrame) => void,
    private readonly failed: (error: unknown) => void,
  ) {
    this.set = new FolderSet(root, rules, budget, (folder, name) => this.onChange(folder, name));
  }

  /** Finds the folders; viewers are told when all are watched. Never rejects. */
  async start(): Promise<void> {
    try {
      await this.set.add('');
      await this.watchGit();
    } catch (error) {
      this.failed(error);
    }
    this.afterLook(0);
  }

  /** The present state, for a new viewer. */
  get status(): WatchStatus {
    const { size: folders, gaps } = this.set;
    return { type: 'status', state: this.state, folders, gaps: [...gaps] };
  }

  /** Ends all watches. */
  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
    clearTimeout(this.retryTimer);
    this.gitFolder?.watcher.close();
    this.set.close();
  }

  private onChange(folder: string, name: string): void {
    if (name !== SELF) this.pending.add(folder, name);
    else if (folder === '') this.rootChanged = true;
    else return;
    this.schedule(WINDOW_MS);
  }

  private schedule(delay: number): void {
    if (this.isClosed || this.isLooking || this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.isLooking = true;
      const started = performance.now();
      void this.look()
        .catch(this.failed)
        .then(() => this.afterLook(performance.now() - started));
    }, delay).unref();
  }

  /** @param duration of the look (ms) */
  private afterLook(duration: number): void {
    this.isLooking = false;
    if (this.isClosed) return;
    this.tellStatus();
    if (this.set.gaps.size > 0) this.retryTimer ??= setTimeout(() => this.retryDue(), this.retryMs).unref();
    const isWaiting = !this.pending.isEmpty || this.gitChanged || this.rootChanged || this.isRetryDue;
    if (isWaiting) this.schedule(Math.max(WINDOW_MS, Math.min(duration, MAX_PAUSE_MS)));
  }

  private retryDue(): void {
    this.retryTimer = undefined;
    this.isRetryDue = true;
    this.schedule(0);
  }

  /** @returns whether something is watched that was not */
  private async retry(): Promise<boolean> {
    this.isRetryDue = false;
    const hasMore = this.set.hasRoomForMissed && (await this.set.retry());
    this.retryMs = hasMore ? RETRY_MS : Math.min(2 * this.retryMs, MAX_RETRY_MS);
    return hasMore;
  }

  private async look(): Promise<void> {
    if (this.rootChanged && (await this.isGone())) return this.end();
    // What has changed meanwhile in folders that were not watched is not known.
    const hasMore = this.isRetryDue && (await this.retry());
    const { folders, isFlood } = this.pending.take();
    const overflow = isFlood || hasMore;
    const changes: WatchChanges = { type: 'changes', paths: [], overflow, git: this.gitChanged };
    this.gitChanged = false;
    for (const [folder, names] of folders) {
      if (this.isClosed) return;
      if (!this.set.has(folder)) continue;
      if (names === 'many') {
        changes.overflow = true;
        if (!isFlood) await this.set.reread(folder);
      } else {
        await this.lookAt(folder, names, changes);
      }
    }
    if (isFlood) await this.set.rereadAll();
    if (changes.paths.length > MAX_PATHS) changes.overflow = true;
    if (changes.overflow) changes.paths = [];
    if (this.isClosed || !(changes.paths.length > 0 || changes.overflow || changes.git)) return;
    this.tell(changes);
  }

  private async lookAt(folder: string, names: ReadonlySet<string>, changes: WatchChanges): Promise<void> {
    for (const { name, kind, inode } of (await this.set.kinds(folder, names)) ?? []) {
      const file = entryOf(folder, name);
      if (changes.paths.length <= MAX_PATHS) changes.paths.push({ path: file, kind });
      if (this.set.has(file) && !this.set.isSame(file, inode)) this.set.remove(file);
      if (kind === 'folder' && !this.set.has(file) && !this.set.isLeftOut(file)) await this.set.add(file);
      if (name === '.gitignore') await this.set.refreshRules(folder);
      if (file === '.git') await this.watchGit();
    }
  }

  /** Watches what git writes when it commits, not what is below. */
  private async watchGit(): Promise<void> {
    this.gitFolder?.watcher.close();
    this.gitFolder = undefined;
    const found = await watchFolder(entryOf(this.root, '.git'), this.rules, (name) => {
      if (!GIT_FILES.has(name)) return;
      this.gitChanged = true;
      this.schedule(WINDOW_MS);
    });
    if (typeof found !== 'object') return;
    if (this.isClosed) found.folder.watcher.close();
    else this.gitFolder = found.folder;
  }

  private async isGone(): Promise<boolean> {
    this.rootChanged = false;
    return (await this.set.kinds('', [])) === undefined;
  }

  private end(): void {
    this.state = 'gone';
    this.tellStatus();
    this.close();
  }

  private tellStatus(): void {
    if (this.state !== 'gone') this.state = this.set.gaps.size > 0 ? 'partial' : 'watching';
    // Anything but the number of folders.
    const key = JSON.stringify([this.state, ...this.set.gaps]);
    if (key === this.told) return;
    this.told = key;
    this.tell(this.status);
  }
}
