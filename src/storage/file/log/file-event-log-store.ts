import path from 'node:path';
import { Injectable } from '@nestjs/common';
import { EventLogStore, type EventLog, type FollowedLog, type LogReader } from '../../event-log.js';
import type { ReservedConversations } from '../../reserved-conversations.js';
import { StorageOptions } from '../../storage-options.js';
import { conversationFolder, LOG_FILE } from '../conversation-folder.js';
import { FileEventLog } from './file-event-log.js';
import { FollowedFileLog } from './followed-file-log.js';
import { LogFile } from './log-file.js';

/** Opens the logs of conversations, `events.jsonl` in their folders. The caller closes them. */
@Injectable()
export class FileEventLogStore extends EventLogStore {
  constructor(
    private readonly options: StorageOptions,
    private readonly reserved: Pick<ReservedConversations, 'isForeign'> = { isForeign: () => false },
  ) {
    super();
  }

  override async open(conversationId: string): Promise<EventLog> {
    return FileEventLog.open(conversationId, new LogFile(this.fileOf(conversationId)), {
      isForeign: this.reserved.isForeign(conversationId),
    });
  }

  override read(conversationId: string): Promise<LogReader> {
    return this.open(conversationId);
  }

  override async follow(conversationId: string): Promise<FollowedLog> {
    const log = new FollowedFileLog(conversationId, this.fileOf(conversationId));
    await log.refresh();
    return log;
  }

  private fileOf(conversationId: string): string {
    return path.join(conversationFolder(this.options.conversationsPath, conversationId), LOG_FILE);
  }
}
