import { Injectable } from '@nestjs/common';
import { Catalogue, DamagedConversationError } from '../../storage/index.js';
import { WorkspaceHost } from '../conversation/workspace-host.js';
import { ConversationRegistry } from '../registry/conversation-registry.js';
import type { WorktreeRecord } from '../state/conversation-state.js';
import { Worktrees } from './worktrees.js';

/** What becomes of worktrees when conversations are deleted. */
@Injectable()
export class WorktreeRelease {
  constructor(
    private readonly registry: ConversationRegistry,
    private readonly catalogue: Catalogue,
    private readonly worktrees: Worktrees,
    private readonly workspaces: WorkspaceHost,
  ) {}

  /**
   * Releases the worktree of a conversation that is being deleted: it is removed if no other conversation
   * works in it. The released function never rejects.
   */
  async releaseOf(id: string): Promise<() => Promise<void>> {
    const worktree = await this.worktreeOf(id);
    return async () => {
      if (worktree) await this.worktrees.leave(worktree, id, (user) => this.catalogue.has(user));
    };
  }

  /** Removes worktrees of which no conversation is left. @param minAgeMs younger ones may be in the making */
  async removeUnused(minAgeMs: number): Promise<{ removed: number; failures: string[] }> {
    // A storage that is not mounted knows no conversation: their worktrees have to wait for it.
    if ((await this.catalogue.count()) === 0) return { removed: 0, failures: [] };
    return this.worktrees.removeUnused((id) => this.catalogue.has(id), minAgeMs);
  }

  private async worktreeOf(id: string): Promise<WorktreeRecord | null | undefined> {
    try {
      const state = await this.registry.peek(id);
      // That of another host stays there.
      return state && this.workspaces.isHere(state) ? state.worktree : null;
    } catch (error) {
      // The worktree is unknown, but the conversation can still be deleted.
      if (error instanceof DamagedConversationError) return null;
      throw error;
    }
  }
}
