import { Module } from '@nestjs/common';
import { CryptoModule } from '../crypto/index.js';
import { documentSchemas } from '../http/index.js';
import { DocumentsModule } from '../storage/documents.module.js';
import { McpController } from './mcp.controller.js';
import { McpService } from './mcp.service.js';

documentSchemas(async () => (await import('./docs-schemas.js')).mcpSchemas());

/** Tests of MCP servers and sign-ins, before the servers are used. */
@Module({ imports: [CryptoModule, DocumentsModule], controllers: [McpController], providers: [McpService] })
export class McpModule {}
