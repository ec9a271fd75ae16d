import { Inject, Injectable } from '@nestjs/common';
import { BashService } from '../../bash/index.js';
import { UnusedConversations } from '../../conversations/index.js';
import { sweepTemporaryFolders } from '../../files/index.js';
import { Catalogue } from '../../storage/index.js';

/** What one source of leftovers has removed. */
export interface Removed {
  removed: number;
  /** What could not be removed, and why. */
  failures: string[];
}

/** Something that crashes, failures or time leave behind, outside of conversations that exist. */
export interface LeftoverSource {
  kind: 'worktrees' | 'folders' | 'bash_events';
  remove(): Promise<Removed>;
}

/** A worktree without a conversation that is younger may be in the making (ms). */
const WORKTREE_AGE_MS = 86_400_000;

/** The leftovers of all features. */
@Injectable()
export class Leftovers {
  readonly sources: readonly LeftoverSource[];

  constructor(
    @Inject(UnusedConversations) conversations: UnusedConversations,
    catalogue: Catalogue,
    bash: BashService,
  ) {
    this.sources = [
      { kind: 'folders', remove: () => catalogue.removeLeftovers() },
      // Shadow repositories, profiles of browsers and the like of servers that were killed.
      {
        kind: 'folders',
        remove: async () => ({ removed: await sweepTemporaryFolders(), failures: [] }),
      },
      { kind: 'worktrees', remove: () => conversations.removeUnusedWorktrees(WORKTREE_AGE_MS) },
      {
        kind: 'bash_events',
        remove: async () => ({ removed: await bash.removeExpired(), failures: [] }),
      },
    ];
  }
}
