import { Injectable } from '@nestjs/common';
import { ConversationFolders } from '../conversation-folders.js';
import { StorageOptions } from '../storage-options.js';
import { conversationFolder } from './conversation-folder.js';

/** The folders that also contain the log and the metadata. */
@Injectable()
export class FileConversationFolders extends ConversationFolders {
  constructor(private readonly options: StorageOptions) {
    super();
  }

  override folder(id: string): string {
    return conversationFolder(this.options.conversationsPath, id);
  }
}
