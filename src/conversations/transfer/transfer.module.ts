import { Module } from '@nestjs/common';
import { StorageModule } from '../../storage/storage.module.js';
import { ToolsModule } from '../../tools/tools.module.js';
import { WorkspaceHost } from '../conversation/workspace-host.js';
import { ConversationStore } from '../registry/conversation-store.js';
import { ConversationTransfer } from './conversation-transfer.js';
import { ConversationExporter } from './exporting/conversation-exporter.js';
import { ConversationImporter } from './importing/conversation-importer.js';

/** Moves conversations in and out. Knows no agents: commands use it without a server. */
@Module({
  imports: [StorageModule, ToolsModule],
  providers: [
    ConversationStore,
    WorkspaceHost,
    ConversationImporter,
    ConversationExporter,
    ConversationTransfer,
  ],
  exports: [
    ConversationStore,
    WorkspaceHost,
    ConversationImporter,
    ConversationExporter,
    ConversationTransfer,
  ],
})
export class TransferModule {}
