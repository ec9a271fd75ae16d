import { Module } from '@nestjs/common';
import { ToolRegistry } from './tool-registry.js';

/** Takes the place of the registry where a global module provides it: a replay gives results from a log. */
export abstract class ToolRegistrySubstitute extends ToolRegistry {}

/** Provides the registry of tools. */
@Module({
  providers: [
    {
      provide: ToolRegistry,
      inject: [{ token: ToolRegistrySubstitute, optional: true }],
      useFactory: (substitute?: ToolRegistry) => substitute ?? new ToolRegistry(),
    },
  ],
  exports: [ToolRegistry],
})
export class ToolsModule {}
