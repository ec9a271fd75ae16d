import { Module } from '@nestjs/common';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { DocumentsModule } from '../storage/documents.module.js';
import { StorageModule } from '../storage/storage.module.js';
import { SharedController } from './shared.controller.js';
import { SharedView } from './shared-view.js';
import { SharesController } from './shares.controller.js';
import { SharesService } from './shares.service.js';

/** Read-only links to single conversations. */
@Module({
  imports: [ConversationsModule, DocumentsModule, StorageModule],
  controllers: [SharesController, SharedController],
  providers: [SharesService, SharedView],
  exports: [SharesService, SharedView],
})
export class SharesModule {}
