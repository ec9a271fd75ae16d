import { Module } from '@nestjs/common';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { EventBusModule } from '../events/event-bus.module.js';
import { ServerModule } from '../server/server.module.js';
import { SettingsModule } from '../settings/index.js';
import { GatewayController } from './gateway.controller.js';
import { GatewayService } from './gateway.service.js';

/** Agents behind OpenAI's API: `/v1`. */
@Module({
  imports: [ConversationsModule, EventBusModule, ServerModule, SettingsModule],
  controllers: [GatewayController],
  providers: [GatewayService],
})
export class GatewayModule {}
