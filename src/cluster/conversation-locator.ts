import { Injectable } from '@nestjs/common';
import { ConversationsService } from '../conversations/index.js';
import { Locator, type Location, moving, type ServerAddress } from '../forwarding/index.js';
import { addressOf } from './server-address.js';
import { WorkspaceServers } from './workspace-servers.js';
import { LeaseHeldError, LeaseStore, ServerDirectory } from '../storage/index.js';

/** How long the owner of a conversation is remembered (ms). A server that has lost it says so. */
const REMEMBERED_MS = 1_000;
const MAX_REMEMBERED = 10_000;

/**
 * Finds the server that owns a conversation: asks the database unless the conversation is open here. Other
 * servers are remembered for a second, so that most requests are passed on without a query.
 */
@Injectable()
export class ConversationLocator extends Locator {
  private readonly remembered = new Map<string, { owner: ServerAddress; until: number }>();

  constructor(
    private readonly conversations: ConversationsService,
    private readonly leases: LeaseStore,
    private readonly servers: ServerDirectory,
    private readonly workspaces: WorkspaceServers,
  ) {
    super();
  }

  override get selfId(): string {
    return this.servers.selfId;
  }

  /** @throws ForwardingError while a conversation that was lost is still open here */
  override async locate(conversationId: string, isFresh: boolean): Promise<Location> {
    // After a freeze of this process another server may have gone on with it.
    if (this.leases.isCertain() && this.conversations.isOpen(conversationId)) return 'here';
    const known = this.remembered.get(conversationId);
    if (known && !isFresh && performance.now() < known.until) return known.owner;
    const found = await this.leases.ownerOf(conversationId);
    this.remembered.delete(conversationId);
    if (!found) {
      // Others have gone on with it and let it go. What is open here is closed in a moment.
      if (this.conversations.isOpen(conversationId)) throw moving();
      return (await this.workspaces.serverFor(conversationId)) ?? 'nowhere';
    }
    if (found.isSelf) return 'here';
    const owner = addressOf(found.serverId, found);
    if (this.remembered.size >= MAX_REMEMBERED) this.remembered.clear();
    this.remembered.set(conversationId, { owner, until: performance.now() + REMEMBERED_MS });
    return owner;
  }

  /** Another failure than a lost race is reported by whoever uses the conversation next. */
  override async claim(conversationId: string): Promise<boolean> {
    try {
      await this.conversations.claim(conversationId);
      return true;
    } catch (error) {
      return !(error instanceof LeaseHeldError);
    }
  }

  override async others(): Promise<ServerAddress[]> {
    const all = await this.servers.list();
    return all.flatMap((server) => (server.isSelf ? [] : [addressOf(server.id, server)]));
  }

  override isOpenHere(conversationId: string): boolean {
    return this.conversations.isOpen(conversationId);
  }

  override async isLive(serverId: string): Promise<boolean> {
    return (await this.servers.list()).some(({ id }) => id === serverId);
  }
}
