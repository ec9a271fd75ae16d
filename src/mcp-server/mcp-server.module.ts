import { Module } from '@nestjs/common';
import { OriginPolicy } from '../auth/index.js';
import { AppConfig } from '../config/index.js';
import { RpcModule } from '../rpc/index.js';
import { ServerModule } from '../server/server.module.js';
import { OpenCalls } from './http/open-calls.js';
import { McpEndpoint } from './mcp-endpoint.js';
import { McpServerController } from './mcp-server.controller.js';
import { ToolServer } from './tool-server.js';

/** The server as an MCP server: other agents start conversations and wait for them, at `/mcp`. */
@Module({
  imports: [RpcModule, ServerModule],
  controllers: [McpServerController],
  providers: [
    McpEndpoint,
    OpenCalls,
    ToolServer,
    {
      provide: OriginPolicy,
      inject: [AppConfig],
      useFactory: (config: AppConfig) => new OriginPolicy(config),
    },
  ],
})
export class McpServerModule {}
