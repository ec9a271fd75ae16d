import { Module } from '@nestjs/common';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { WorkspaceFilesController } from './workspace-files.controller.js';
import { WorkspaceSessionController } from './workspace-session.controller.js';

/** The folders that conversations work in, over HTTP. */
@Module({
  imports: [ConversationsModule],
  controllers: [WorkspaceSessionController, WorkspaceFilesController],
})
export class WorkspaceModule {}
