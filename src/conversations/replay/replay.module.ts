import { type DynamicModule, Global, Module } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { RequestBodiesModule } from '../../http/index.js';
import { LimitsModule } from '../../limits/index.js';
import { LlmSubstitute } from '../../llm/index.js';
import { SandboxModule } from '../../sandbox/sandbox.module.js';
import { ToolRegistrySubstitute } from '../../tools/index.js';
import { ConversationsModule } from '../conversations.module.js';
import { ReplayPlayer } from './replay-player.js';
import { ReplayToolRegistry } from './replay-tools.js';
import { Replayer } from './replayer.js';

export type { ReplayReport } from './replay.js';
export { readRecorded, type Recorded, recordedFolder } from './replay.js';
export { ReplayError } from './replay-error.js';
export { ReplayPlayer } from './replay-player.js';
export { FolderMapping } from './replay-texts.js';
export { ReplayToolRegistry } from './replay-tools.js';
export { type ReplayChanges, replayedState } from './replayed-state.js';
export { Replayer } from './replayer.js';

/** Replaces the models and the tools of all conversations. */
@Global()
@Module({})
class SubstitutesModule {
  static of(player: ReplayPlayer, tools: ReplayToolRegistry): DynamicModule {
    const providers = [
      { provide: LlmSubstitute, useValue: player },
      { provide: ReplayPlayer, useValue: player },
      { provide: ToolRegistrySubstitute, useValue: tools },
      { provide: ReplayToolRegistry, useValue: tools },
    ];
    return {
      module: SubstitutesModule,
      providers,
      exports: [LlmSubstitute, ReplayPlayer, ToolRegistrySubstitute, ReplayToolRegistry],
    };
  }
}

/** Conversations whose models and tools are played. For a command, never for a server. */
@Module({})
export class ReplayModule {
  static of(config: AppConfig, player: ReplayPlayer, tools: ReplayToolRegistry): DynamicModule {
    return {
      module: ReplayModule,
      imports: [
        RequestBodiesModule.forRoot(config.max_body_bytes_in_flight),
        SubstitutesModule.of(player, tools),
        SandboxModule,
        LimitsModule,
        ConversationsModule,
      ],
      providers: [Replayer],
    };
  }
}
