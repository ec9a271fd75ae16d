import { Injectable } from '@nestjs/common';
import { ConversationsService } from '../conversations/index.js';
import { Locator, type Place } from '../forwarding/index.js';
import { WorkspaceServers } from './workspace-servers.js';
import { LeaseHeldError, LeaseStore, ServerDirectory } from '../storage/index.js';

/** Finds the server that owns a conversation: asks the database unless the conversation is open here. */
@Injectable()
export class ConversationLocator extends Locator {
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

  override async placeOf(conversationId: string): Promise<Place> {
    if (this.conversations.isOpen(conversationId)) return 'here';
    const owner = await this.leases.ownerOf(conversationId);
    if (!owner) return (await this.workspaces.serverFor(conversationId)) ?? 'nowhere';
    return owner.isSelf ? 'here' : owner;
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

  override async isLive(serverId: string): Promise<boolean> {
    return (await this.servers.list()).some(({ id }) => id === serverId);
  }
}
