import path from 'node:path';
import { isInside, treeSize } from '../../files/index.js';
import { forEachBounded } from '../../flow/index.js';
import type { JsonObject } from '../../json/index.js';
import type { Catalogue, ConversationFolders } from '../../storage/index.js';
import { worktreeOf } from './protection.js';

/** Files and folders of one conversation that are looked at: what has more counts as at least so large. */
const MAX_ENTRIES = 20_000;
/** Conversations that are measured at a time: the disk is for the agents. */
const PARALLEL = 2;
/** How long a size is believed while the metadata stay the same (ms): long outputs do not change them. */
const FRESH_MS = 3_600_000;

interface Measured {
  stamp: string | undefined;
  bytes: number;
  /** Several conversations may work in the same one. */
  worktree: { folder: string; bytes: number } | undefined;
  at: number;
}

/**
 * What conversations occupy: the folder of each, and its worktree. A size is kept as long as the metadata of
 * the conversation are the same, so that a pass looks at the files of those only that have changed.
 */
export class ConversationSizes {
  private known = new Map<string, Measured>();

  constructor(
    private readonly catalogue: Catalogue,
    private readonly folders: ConversationFolders,
    /** The folder of all worktrees: nothing else is looked at, whatever a record says. */
    private readonly worktrees: string,
  ) {}

  /**
   * The bytes of these conversations, in their order. A worktree that several have counts for the first.
   * @param all they are all that there are: what is known of others is forgotten
   */
  async of(ids: readonly string[], signal: AbortSignal, all = false): Promise<number[]> {
    const stamps = await this.catalogue.stampsOf(ids);
    const found = new Map<string, Measured>();
    const changed: { id: string; stamp: string | undefined }[] = [];
    for (const [index, id] of ids.entries()) {
      const stamp = stamps[index];
      const known = this.known.get(id);
      const isFresh = known?.stamp !== undefined && performance.now() - known.at < FRESH_MS;
      if (known && isFresh && known.stamp === stamp) found.set(id, known);
      else changed.push({ id, stamp });
    }
    await forEachBounded(changed, PARALLEL, async ({ id, stamp }) => {
      if (signal.aborted) return;
      const measured = await this.measure(id, stamp);
      found.set(id, measured);
      this.known.set(id, measured);
    });
    signal.throwIfAborted();
    if (all) this.known = found;
    const counted = new Set<string>();
    return ids.map((id) => {
      const { bytes = 0, worktree } = found.get(id) ?? {};
      if (!worktree || counted.has(worktree.folder)) return bytes;
      counted.add(worktree.folder);
      return bytes + worktree.bytes;
    });
  }

  private async measure(id: string, stamp: string | undefined): Promise<Measured> {
    const metadata = await this.catalogue.load(id).catch(() => undefined);
    const { bytes } = await treeSize(this.folders.folder(id), MAX_ENTRIES);
    const worktree = await this.worktreeIn(metadata ?? {});
    return { stamp, bytes, worktree, at: performance.now() };
  }

  private async worktreeIn(metadata: JsonObject): Promise<Measured['worktree']> {
    const folder = worktreeOf(metadata);
    if (folder === undefined || !path.isAbsolute(folder)) return undefined;
    const normal = path.normalize(folder);
    if (!isInside(this.worktrees, normal)) return undefined;
    return { folder: normal, bytes: (await treeSize(normal, MAX_ENTRIES)).bytes };
  }
}
