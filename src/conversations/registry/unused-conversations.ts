import { Injectable } from '@nestjs/common';
import { stateUpdate } from '../../events/index.js';
import type { JsonObject } from '../../json/index.js';
import { WorktreeRelease } from '../worktrees/worktree-release.js';
import { ConversationRegistry } from './conversation-registry.js';
import type { ConversationUse, MayEnd } from './conversation-use.js';

/** Deletes conversations that nobody uses, as their clients would. */
@Injectable()
export class UnusedConversations {
  constructor(
    private readonly registry: ConversationRegistry,
    private readonly worktrees: WorktreeRelease,
  ) {}

  /** How a conversation is used that is open here; undefined for others. */
  useOf(id: string): ConversationUse | undefined {
    return this.registry.useOf(id);
  }

  /**
   * Deletes a conversation, and its worktree if no other one works in it, if `mayEnd` says so of what it is
   * at the moment of its end.
   * @param why the value of its last event, a state update with the key `retention`
   * @returns whether it was deleted
   * @throws ConversationNotFoundError, LeaseHeldError
   */
  async delete(id: string, mayEnd: MayEnd, why: JsonObject): Promise<boolean> {
    return this.registry.destroyIf(id, mayEnd, await this.worktrees.releaseOf(id), [
      stateUpdate('retention', why),
    ]);
  }

  /** Removes worktrees of which no conversation is left. @param minAgeMs younger ones may be in the making */
  removeUnusedWorktrees(minAgeMs: number): Promise<{ removed: number; failures: string[] }> {
    return this.worktrees.removeUnused(minAgeMs);
  }
}
