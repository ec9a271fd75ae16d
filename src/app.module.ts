import { Module, type DynamicModule } from '@nestjs/common';
import { A2aModule } from './a2a/a2a.module.js';
import { AuditModule } from './audit/index.js';
import { AuthModule } from './auth/index.js';
import { AutomationsModule } from './automations/automations.module.js';
import { BashModule } from './bash/bash.module.js';
import { ClusterModule } from './cluster/cluster.module.js';
import { ConfigModule, type AppConfig, usesContainers } from './config/index.js';
import { ContainersModule } from './containers/index.js';
import { ConversationsModule } from './conversations/conversations.module.js';
import { EventByIdModule } from './conversations/event-by-id.module.js';
import { CryptoModule } from './crypto/index.js';
import { ExtensionsModule } from './extensions/extensions.module.js';
import { KeysModule } from './keys/keys.module.js';
import { GatewayModule } from './gateway/gateway.module.js';
import { RequestBodiesModule } from './http/index.js';
import { InitModule, type DeferredInit } from './init/index.js';
import { LimitsModule } from './limits/index.js';
import { McpServerModule } from './mcp-server/mcp-server.module.js';
import { McpModule } from './mcp/mcp.module.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { ModelsModule } from './models/models.module.js';
import { RetentionModule } from './retention/retention.module.js';
import { SandboxModule } from './sandbox/sandbox.module.js';
import { ServerModule } from './server/index.js';
import { SharesModule } from './shares/index.js';
import { SocketsModule } from './sockets/index.js';
import { TerminalsModule } from './terminals/index.js';
import { UsageModule } from './usage/index.js';
import { WorkspaceModule } from './workspace/workspace.module.js';
import { WebhooksModule } from './webhooks/webhooks.module.js';

/** The root module of the server. */
@Module({})
export class AppModule {
  /** @param init set if the server was configured after its start */
  static forRoot(config: AppConfig, init?: DeferredInit): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot(config),
        RequestBodiesModule.forRoot(config.max_body_bytes_in_flight),
        SandboxModule,
        CryptoModule,
        KeysModule,
        // Its guard comes before all others.
        AuditModule,
        AuthModule,
        LimitsModule,
        UsageModule,
        ServerModule,
        ConversationsModule,
        SharesModule,
        SocketsModule,
        EventByIdModule,
        BashModule,
        TerminalsModule,
        WorkspaceModule,
        ExtensionsModule,
        ModelsModule,
        McpModule,
        GatewayModule,
        ...(config.mcp_server ? [McpServerModule] : []),
        ...(config.a2a ? [A2aModule] : []),
        WebhooksModule,
        AutomationsModule,
        RetentionModule,
        MetricsModule,
        InitModule.forRoot(init),
        // Its guard comes after that of the session key.
        ...(config.database_url === null ? [] : [ClusterModule]),
        ...(usesContainers(config) ? [ContainersModule] : []),
      ],
    };
  }
}
