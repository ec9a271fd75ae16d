import { Module } from '@nestjs/common';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { EventBusModule } from '../events/event-bus.module.js';
import { documentSchemas } from '../http/index.js';
import { ServerModule } from '../server/server.module.js';
import { StorageModule } from '../storage/storage.module.js';
import { ToolsModule } from '../tools/index.js';
import { RuntimeScopesModule } from '../workspace/index.js';
import { TerminalsController } from './api/terminals.controller.js';
import { TerminalsService } from './terminals.service.js';

documentSchemas(async () => (await import('./api/docs-schemas.js')).terminalSchemas());

/** Terminals of people, and looking over the shoulders of agents. */
@Module({
  imports: [
    EventBusModule,
    ServerModule,
    StorageModule,
    RuntimeScopesModule,
    ToolsModule,
    ConversationsModule,
  ],
  controllers: [TerminalsController],
  providers: [TerminalsService],
  exports: [TerminalsService],
})
export class TerminalsModule {}
