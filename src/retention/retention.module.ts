import { Module } from '@nestjs/common';
import { BashModule } from '../bash/bash.module.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { StorageModule } from '../storage/storage.module.js';
import { RetentionController } from './api/retention.controller.js';
import { RetentionService } from './retention.service.js';
import { Leftovers } from './sweep/leftovers.js';
import { RetentionSweeper } from './sweep/retention-sweeper.js';

/** Removes conversations that nobody uses any more, and what crashes have left. */
@Module({
  imports: [ConversationsModule, BashModule, StorageModule],
  controllers: [RetentionController],
  providers: [Leftovers, RetentionSweeper, RetentionService],
})
export class RetentionModule {}
