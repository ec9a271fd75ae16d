import { Injectable } from '@nestjs/common';
import { ConversationStore } from '../registry/conversation-store.js';
import {
  ConversationImporter,
  type ImportOptions,
  type ImportResult,
} from './importing/conversation-importer.js';
import type { SourceFiles } from './sources/source-files.js';

/** Conversations in and out of the storage without a server that serves them. For commands. */
@Injectable()
export class ConversationTransfer {
  constructor(
    private readonly importer: ConversationImporter,
    private readonly store: ConversationStore,
  ) {}

  /** @throws LeaseHeldError, TakeoverPendingError, DamagedConversationError, StorageFailedError */
  import(files: SourceFiles, options: ImportOptions): Promise<ImportResult> {
    return this.importer.import(files, options, async (state, fill) => {
      await this.store.release(await this.store.create(state, fill));
    });
  }
}
