import { Injectable } from '@nestjs/common';
import { Catalogue } from '../../storage/index.js';
import { ConversationStore } from '../registry/conversation-store.js';
import {
  ConversationExporter,
  type ExportedConversation,
  type SecretForm,
} from './exporting/conversation-exporter.js';
import {
  ConversationImporter,
  type ImportOptions,
  type ImportResult,
} from './importing/conversation-importer.js';
import type { SourceFiles } from './sources/source-files.js';

const IDS_PER_PAGE = 500;

/** Conversations in and out of the storage without a server that serves them. For commands. */
@Injectable()
export class ConversationTransfer {
  constructor(
    private readonly importer: ConversationImporter,
    private readonly exporter: ConversationExporter,
    private readonly store: ConversationStore,
    private readonly catalogue: Catalogue,
  ) {}

  /** @throws LeaseHeldError, TakeoverPendingError, DamagedConversationError, StorageFailedError */
  import(files: SourceFiles, options: ImportOptions): Promise<ImportResult> {
    return this.importer.import(files, options, async (state, fill) => {
      await this.store.release(await this.store.create(state, fill));
    });
  }

  /** @throws ConversationNotFoundError, DamagedConversationError */
  open(id: string, secrets: SecretForm): Promise<ExportedConversation> {
    return this.exporter.open(id, secrets);
  }

  /**
   * A stored conversation, whether a server has it open or not. The caller closes the log.
   * @throws ConversationNotFoundError, DamagedConversationError
   */
  read(id: string): ReturnType<ConversationStore['read']> {
    return this.store.read(id);
  }

  /** The ids of all conversations, oldest first. */
  async ids(): Promise<string[]> {
    const ids: string[] = [];
    for (let after; ;) {
      const page = await this.catalogue.page({ order: 'CREATED_AT', limit: IDS_PER_PAGE, after });
      ids.push(...page.map(({ id }) => id));
      after = page.at(-1);
      if (page.length < IDS_PER_PAGE) return ids;
    }
  }
}
