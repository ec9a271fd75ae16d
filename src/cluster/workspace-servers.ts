import { Injectable } from '@nestjs/common';
import { ConversationsService, ConversationNotFoundError, WorkspaceHost } from '../conversations/index.js';
import type { ServerAddress } from '../forwarding/index.js';
import { DamagedConversationError, ServerDirectory } from '../storage/index.js';
import { addressOf } from './server-address.js';

/**
 * Finds the server for a conversation that nobody has. If servers do not share their files, it is one on the
 * host of the workspace: another one could not run it.
 */
@Injectable()
export class WorkspaceServers {
  constructor(
    private readonly conversations: ConversationsService,
    private readonly servers: ServerDirectory,
    private readonly workspaces: WorkspaceHost,
  ) {}

  /** Undefined: this server is as good as any. */
  async serverFor(conversationId: string): Promise<ServerAddress | undefined> {
    if (!this.workspaces.isLimited) return undefined;
    const host = await this.hostOf(conversationId);
    if (host === undefined) return undefined;
    const found = (await this.servers.list()).filter((server) => server.host === host && server.url !== null);
    const [first] = found.toSorted((one, other) => one.running - other.running);
    return first && addressOf(first.id, first);
  }

  /** The host of the workspace, if it is another one. */
  private async hostOf(conversationId: string): Promise<string | undefined> {
    try {
      const { host, elsewhere } = await this.conversations.workspace(conversationId);
      return elsewhere && host;
    } catch (error) {
      // Whoever serves the request says so.
      if (error instanceof ConversationNotFoundError || error instanceof DamagedConversationError)
        return undefined;
      throw error;
    }
  }
}
