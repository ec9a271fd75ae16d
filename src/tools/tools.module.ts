import { Module } from '@nestjs/common';
import { AgentTerminals } from './terminal/agent-terminals.js';
import { ToolRegistry } from './tool-registry.js';

/** Takes the place of the registry where a global module provides it: a replay gives results from a log. */
export abstract class ToolRegistrySubstitute extends ToolRegistry {}

/** Provides the registry of tools, and that of the terminals of agents. */
@Module({
  providers: [
    AgentTerminals,
    {
      provide: ToolRegistry,
      inject: [{ token: ToolRegistrySubstitute, optional: true }],
      useFactory: (substitute?: ToolRegistry) => substitute ?? new ToolRegistry(),
    },
  ],
  exports: [AgentTerminals, ToolRegistry],
})
export class ToolsModule {}
