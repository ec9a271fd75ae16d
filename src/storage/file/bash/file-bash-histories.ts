import path from 'node:path';
import { BashHistories, type BashHistory } from '../../bash-history.js';
import type { ConversationFolders } from '../../conversation-folders.js';
import type { BashHistoryOptions } from '../../storage-options.js';
import { FileBashHistory } from './file-bash-history.js';
import { SegmentFiles } from './segment-files.js';

/** The history's folder inside the conversation's folder. */
const FOLDER = 'bash_events';

/** Keeps the history of the server in a folder of its own, and those of conversations in their folders. */
export class FileBashHistories extends BashHistories {
  constructor(
    private readonly options: BashHistoryOptions,
    private readonly folders: ConversationFolders,
  ) {
    super();
  }

  open(conversationId: string | undefined): Promise<BashHistory> {
    const { folder, limits } = this.options;
    return FileBashHistory.open(
      conversationId === undefined ? folder : this.folderOf(conversationId),
      limits,
    );
  }

  lines(conversationId: string): AsyncIterable<string> {
    return new SegmentFiles(this.folderOf(conversationId)).lines();
  }

  /** The history is removed with the folder of the conversation. */
  remove(): Promise<void> {
    return Promise.resolve();
  }

  /** Files: nobody knows which commands run. */
  recordEndsOfDead(): void {
    return;
  }

  private folderOf(conversationId: string): string {
    return path.join(this.folders.folder(conversationId), FOLDER);
  }
}
