import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { errorStack } from '../../errors/index.js';
import { FilesService } from '../files/files.service.js';
import { RuntimeScopes } from '../paths/runtime-scopes.js';
import { FolderBudget } from './folder-budget.js';
import { TreeWatch } from './tree-watch.js';
import { TooManyWatchesError } from './watch-errors.js';
import type { WatchFrame } from './watch-frames.js';

/** Trees that are watched at the same time. */
const MAX_TREES = 200;
/** Folders of all trees together. */
const MAX_FOLDERS = 100_000;

/** Is sent what happens in a tree, as JSON. */
export type WatchViewer = (frame: Buffer) => void;

interface SharedWatch {
  tree: TreeWatch;
  viewers: Set<WatchViewer>;
}

/** Watches trees of files, each once for all who look at it, and as long as somebody does. */
@Injectable()
export class WatchService implements BeforeApplicationShutdown {
  private readonly logger = new Logger('Watch');
  private readonly watches = new Map<string, SharedWatch>();
  private readonly budget = new FolderBudget(MAX_FOLDERS);

  constructor(
    private readonly files: FilesService,
    private readonly scopes: RuntimeScopes,
  ) {}

  /** What is watched at the moment. */
  get counts(): { trees: number; folders: number; viewers: number } {
    let viewers = 0;
    for (const watch of this.watches.values()) viewers += watch.viewers.size;
    return { trees: this.watches.size, folders: this.budget.size, viewers };
  }

  beforeApplicationShutdown(): void {
    for (const { tree } of this.watches.values()) tree.close();
    this.watches.clear();
  }

  /**
   * Watches a folder. The viewer is sent the state first, then what changes.
   * @param path as the client has named it
   * @param conversationId undefined: the whole machine
   * @param maxViewers of one tree
   * @returns ends it
   * @throws TooManyWatchesError, errors of paths
   */
  async watch(
    { path, conversationId }: { path: string; conversationId: string | undefined },
    viewer: WatchViewer,
    maxViewers: number,
  ): Promise<() => void> {
    const root = await this.files.folder(path, conversationId);
    const { rules } = await this.scopes.of(conversationId);
    // Conversations may have one folder, and different sandboxes.
    const key = `${conversationId ?? ''} ${root}`;
    const known = this.watches.get(key);
    // The folder was removed, and has been created again.
    const isOver = known?.tree.status.state === 'gone';
    const watch = known && !isOver ? known : this.start(key, root, rules);
    if (watch.viewers.size >= maxViewers) throw new TooManyWatchesError('Too many sockets watch this folder');
    watch.viewers.add(viewer);
    viewer(toFrame(watch.tree.status));
    return () => this.leave(key, watch, viewer);
  }

  private start(key: string, root: string, rules: ConstructorParameters<typeof TreeWatch>[1]): SharedWatch {
    if (this.watches.size >= MAX_TREES)
      throw new TooManyWatchesError(`The server watches ${MAX_TREES} folders already: try again later`);
    const viewers = new Set<WatchViewer>();
    const tell = (frame: WatchFrame): void => {
      const bytes = toFrame(frame);
      for (const viewer of viewers) viewer(bytes);
    };
    const failed = (error: unknown): void => this.logger.error('watching a folder failed', errorStack(error));
    const tree = new TreeWatch(root, rules, this.budget, tell, failed);
    const watch = { tree, viewers };
    this.watches.set(key, watch);
    void tree.start();
    return watch;
  }

  private leave(key: string, watch: SharedWatch, viewer: WatchViewer): void {
    watch.viewers.delete(viewer);
    if (watch.viewers.size > 0) return;
    watch.tree.close();
    if (this.watches.get(key) === watch) this.watches.delete(key);
  }
}

function toFrame(frame: WatchFrame): Buffer {
  return Buffer.from(JSON.stringify(frame));
}
