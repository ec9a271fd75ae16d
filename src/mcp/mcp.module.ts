import { Module } from '@nestjs/common';
import { CryptoModule } from '../crypto/index.js';
import { documentSchemas } from '../http/index.js';
import { McpController } from './mcp.controller.js';
import { McpService } from './mcp.service.js';

documentSchemas(async () => (await import('./docs-schemas.js')).mcpSchemas());

/** Tests of MCP servers and sign-ins, before the servers are used. */
@Module({ imports: [CryptoModule], controllers: [McpController], providers: [McpService] })
export class McpModule {}
