import { stat } from 'node:fs/promises';
import path from 'node:path';
import { Injectable, Logger } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { ConversationsService, isBookmarked } from '../../conversations/index.js';
import { errorMessage } from '../../errors/index.js';
import { ConversationContainers } from '../fleet/conversation-containers.js';

const DAY_MS = 86_400_000;
/** The files whose last change is that of a conversation. */
const FILES = ['events.jsonl', 'metadata.json'];

/**
 * Archives conversations in containers that were not changed for `conversation_storage_retention_days`: their
 * home and their own workspace go, their history can still be read. A workspace of the machine stays.
 */
@Injectable()
export class ContainerArchive {
  private readonly logger = new Logger('Containers');

  constructor(
    private readonly containers: ConversationContainers,
    private readonly conversations: ConversationsService,
    private readonly config: AppConfig,
  ) {}

  /** @throws EngineAwayError: without the engine nobody knows what runs */
  async archiveOld(): Promise<void> {
    const { conversation_storage_retention_days: days } = this.config;
    if (days === null) return;
    const before = Date.now() - days * DAY_MS;
    for (const { conversationId: id, isCreated } of this.containers.records.all) {
      if (!isCreated || this.containers.records.isArchived(id)) continue;
      if (await this.containers.archive(id, () => this.isForgotten(id, before)))
        this.logger.log(`archived conversation ${id}: unchanged for ${days} days`);
    }
  }

  /** What cannot be read may be in use. */
  private async isForgotten(id: string, before: number): Promise<boolean> {
    try {
      if ((await this.changedAt(id)) >= before) return false;
      const info = await this.conversations.describe(id, { includeSkills: false, runtimeInfo: false });
      const { execution_status: status, tags } = info;
      return status !== 'waiting_for_confirmation' && !isBookmarked(tags);
    } catch (error) {
      this.logger.warn(`conversation ${id} is not archived: ${errorMessage(error)}`);
      return false;
    }
  }

  private async changedAt(id: string): Promise<number> {
    const folder = path.join(this.config.paths.conversations, id.replaceAll('-', ''));
    const times = FILES.map(async (name) => (await stat(path.join(folder, name))).mtimeMs);
    return Math.max(...(await Promise.all(times)));
  }
}
