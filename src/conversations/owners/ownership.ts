import { Injectable } from '@nestjs/common';
import type { Principal } from '../../auth/index.js';
import { Catalogue, ReservedConversations } from '../../storage/index.js';
import { ConversationNotFoundError } from '../conversation-errors.js';
import { ConversationRegistry } from '../registry/conversation-registry.js';

/** The key whose conversations a principal sees; undefined: it sees all. For queries of lists and counts. */
export function ownerFilter({ id, reach }: Principal): string | undefined {
  return reach === 'own' ? id : undefined;
}

/**
 * Which conversations exist for a principal. For a key of one's own, an id of somebody else's conversation
 * and an unknown one are the same: both are one look at the catalogue, with the same answer.
 */
@Injectable()
export class Ownership {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly registry: ConversationRegistry,
    private readonly reserved: ReservedConversations,
  ) {}

  /** Whether a conversation exists for a principal that sees only its own; always true for the others. */
  async isVisible(id: string, principal: Principal): Promise<boolean> {
    const owner = ownerFilter(principal);
    return owner === undefined || (await this.ownerKey(id)) === owner;
  }

  /** @throws ConversationNotFoundError as for an unknown id */
  async assertVisible(id: string, principal: Principal): Promise<void> {
    if (!(await this.isVisible(id, principal))) throw new ConversationNotFoundError(id);
  }

  /** Those of the ids that exist for a principal, in their order. */
  async visible(ids: readonly string[], principal: Principal): Promise<string[]> {
    if (ownerFilter(principal) === undefined) return [...ids];
    const are = await Promise.all(ids.map((id) => this.isVisible(id, principal)));
    return ids.filter((_, index) => are[index]);
  }

  /** The key that a conversation belongs to; null for the administrator's, undefined for an unknown one. */
  async ownerKey(id: string): Promise<string | null | undefined> {
    const inContainer = this.reserved.ownerOf(id);
    if (inContainer !== undefined) return inContainer;
    const opened = this.registry.opened(id);
    return opened ? opened.state.owner_key : (await this.catalogue.entry(id))?.owner_key;
  }
}
