import { Module } from '@nestjs/common';
import { ToolRegistry } from './tool-registry.js';

/** Provides the registry of tools. */
@Module({ providers: [ToolRegistry], exports: [ToolRegistry] })
export class ToolsModule {}
