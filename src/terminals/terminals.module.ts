import { Module } from '@nestjs/common';
import { EventBusModule } from '../events/event-bus.module.js';
import { documentSchemas } from '../http/index.js';
import { ServerModule } from '../server/server.module.js';
import { RuntimeScopesModule } from '../workspace/index.js';
import { TerminalsController } from './api/terminals.controller.js';
import { TerminalsService } from './terminals.service.js';

documentSchemas(async () => (await import('./api/docs-schemas.js')).terminalSchemas());

/** Terminals of people, and looking over the shoulders of agents. */
@Module({
  imports: [EventBusModule, ServerModule, RuntimeScopesModule],
  controllers: [TerminalsController],
  providers: [TerminalsService],
  exports: [TerminalsService],
})
export class TerminalsModule {}
