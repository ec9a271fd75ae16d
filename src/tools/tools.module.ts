import { Module } from '@nestjs/common';
import { ToolRegistry } from './tool-registry.js';

/** The tools that agents can be given. */
@Module({ providers: [ToolRegistry], exports: [ToolRegistry] })
export class ToolsModule {}
