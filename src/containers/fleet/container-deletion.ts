import { Logger } from '@nestjs/common';
import { ConversationNotFoundError, type ConversationsService } from '../../conversations/index.js';
import { errorMessage } from '../../errors/index.js';
import type { EventBus } from '../../events/index.js';
import type { ReservedConversations } from '../../storage/index.js';
import { ContainerError } from './container-errors.js';
import type { ConversationContainers } from './conversation-containers.js';
import type { LogFollower } from './log-follower.js';

/** Deletes conversations in containers: the container first, the record last, so that it can be repeated. */
export class ContainerDeletion {
  private readonly logger = new Logger('Containers');
  private readonly deleting = new Set<string>();

  constructor(
    private readonly containers: ConversationContainers,
    private readonly follower: LogFollower,
    private readonly conversations: ConversationsService,
    private readonly reserved: ReservedConversations,
    private readonly bus: EventBus,
  ) {}

  /** @throws EngineAwayError while the container may still run: then nothing was removed */
  async delete(id: string): Promise<void> {
    if (this.deleting.has(id))
      throw new ContainerError('conflict', 'Conversation deletion is already in progress');
    if (this.containers.records.get(id)?.isCreated === false)
      throw new ContainerError('conflict', 'The conversation is being created');
    this.deleting.add(id);
    try {
      await this.containers.destroy(id, async () => {
        await this.announce(id);
        await this.follower.end(id, true).catch((error: unknown) => {
          this.logger.warn(`conversation ${id}: its last events were not announced: ${errorMessage(error)}`);
        });
        await this.removeStored(id);
      });
    } finally {
      this.deleting.delete(id);
    }
  }

  /** Removes what a creation has left that did not succeed. */
  async removeFailed(id: string): Promise<void> {
    await this.containers.destroy(id, () => this.removeStored(id));
  }

  private async removeStored(id: string): Promise<void> {
    await this.reserved.free(id, () => this.conversations.discard(id));
    await this.containers.records.remove(id);
  }

  private async announce(id: string): Promise<void> {
    const info = await this.conversations
      .describe(id, { includeSkills: false, runtimeInfo: false })
      .catch((error: unknown) => {
        if (!(error instanceof ConversationNotFoundError))
          this.logger.warn(`conversation ${id}: its deletion is not announced: ${errorMessage(error)}`);
        return undefined;
      });
    if (!info) return;
    const deleting = { ...info, execution_status: 'deleting' };
    await this.bus.publishChange({ conversationId: id, info: () => deleting });
  }
}
