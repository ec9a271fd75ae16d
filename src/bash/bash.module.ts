import { Module } from '@nestjs/common';
import { EventBusModule } from '../events/event-bus.module.js';
import { documentSchemas } from '../http/index.js';
import { ServerModule } from '../server/server.module.js';
import { StorageModule } from '../storage/storage.module.js';
import { RuntimeScopesModule } from '../workspace/index.js';
import { BashController } from './api/bash.controller.js';
import { BashService } from './bash.service.js';

documentSchemas(async () => (await import('./api/docs-schemas.js')).bashSchemas());

/** Commands that clients run directly, without an agent. */
@Module({
  imports: [EventBusModule, ServerModule, StorageModule, RuntimeScopesModule],
  controllers: [BashController],
  providers: [BashService],
  exports: [BashService],
})
export class BashModule {}
