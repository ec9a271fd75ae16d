import { Module } from '@nestjs/common';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { EventBusModule } from '../events/event-bus.module.js';
import { StorageModule } from '../storage/storage.module.js';
import { ToolsModule } from '../tools/index.js';
import { Activity } from './activity.js';
import { EventLoopDelay } from './event-loop-delay.js';
import { ConfigurationController } from './configuration/configuration.controller.js';
import { LogController } from './log/log.controller.js';
import { Readiness } from './readiness.js';
import { ServerController } from './server.controller.js';
import { ServerReport } from './server-report.js';
import { LiveServers } from './servers/live-servers.js';
import { ServersController } from './servers/servers.controller.js';
import { ToolsController } from './tools/tools.controller.js';

/** Routes about the server itself. */
@Module({
  imports: [ConversationsModule, EventBusModule, StorageModule, ToolsModule],
  controllers: [ServerController, ToolsController, ConfigurationController, LogController, ServersController],
  providers: [Activity, EventLoopDelay, LiveServers, Readiness, ServerReport],
  exports: [Activity, EventLoopDelay],
})
export class ServerModule {}
