import { Module } from '@nestjs/common';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { RpcModule } from '../rpc/index.js';
import { ServerModule } from '../server/index.js';
import { SocketsModule } from '../sockets/index.js';
import { TerminalsModule } from '../terminals/index.js';
import { WebhooksModule } from '../webhooks/webhooks.module.js';
import { WorkspaceModule } from '../workspace/index.js';
import { MetricsController } from './metrics.controller.js';

/** The metrics endpoint. */
@Module({
  imports: [
    ConversationsModule,
    RpcModule,
    ServerModule,
    SocketsModule,
    TerminalsModule,
    WebhooksModule,
    WorkspaceModule,
  ],
  controllers: [MetricsController],
})
export class MetricsModule {}
