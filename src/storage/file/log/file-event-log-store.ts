import path from 'node:path';
import { Injectable } from '@nestjs/common';
import { EventLogStore, type EventLog, type LogReader } from '../../event-log.js';
import type { ReservedConversations } from '../../reserved-conversations.js';
import { StorageOptions } from '../../storage-options.js';
import { conversationFolder, LOG_FILE } from '../conversation-folder.js';
import { FileEventLog } from './file-event-log.js';
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
    const folder = conversationFolder(this.options.conversationsPath, conversationId);
    return FileEventLog.open(conversationId, new LogFile(path.join(folder, LOG_FILE)), {
      isForeign: this.reserved.isForeign(conversationId),
    });
  }

  override read(conversationId: string): Promise<LogReader> {
    return this.open(conversationId);
  }
}
