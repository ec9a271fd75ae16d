import { type DynamicModule, Global, type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthModule } from '../../auth/index.js';
import { AuditModule } from '../../audit/index.js';
import { type AppConfig, ConfigModule } from '../../config/index.js';
import { ConversationsModule } from '../../conversations/conversations.module.js';
import type { ReplayPlayer, ReplayToolRegistry } from '../../conversations/replay/index.js';
import { CryptoModule } from '../../crypto/index.js';
import { KeysModule } from '../../keys/keys.module.js';
import { LimitsModule } from '../../limits/index.js';
import { LlmSubstitute } from '../../llm/index.js';
import { SandboxModule } from '../../sandbox/sandbox.module.js';
import { ToolRegistrySubstitute } from '../../tools/index.js';

/** Replaces the models and the tools of all conversations. */
@Global()
@Module({})
class SubstitutesModule {
  static of(player: ReplayPlayer, tools: ReplayToolRegistry): DynamicModule {
    return {
      module: SubstitutesModule,
      providers: [
        { provide: LlmSubstitute, useValue: player },
        { provide: ToolRegistrySubstitute, useValue: tools },
      ],
      exports: [LlmSubstitute, ToolRegistrySubstitute],
    };
  }
}

/** Conversations without anything of the web, whose models and tools are played. */
@Module({})
class ReplayCommandModule {
  static of(config: AppConfig, player: ReplayPlayer, tools: ReplayToolRegistry): DynamicModule {
    return {
      module: ReplayCommandModule,
      imports: [
        ConfigModule.forRoot(config),
        SubstitutesModule.of(player, tools),
        ...[SandboxModule, CryptoModule, KeysModule, AuditModule, AuthModule, LimitsModule],
        ConversationsModule,
      ],
    };
  }
}

/** Runs an action with conversations whose models and tools are played. */
export async function withPlayedConversations<T>(
  config: AppConfig,
  player: ReplayPlayer,
  tools: ReplayToolRegistry,
  action: (context: INestApplicationContext) => Promise<T>,
): Promise<T> {
  const context = await NestFactory.createApplicationContext(ReplayCommandModule.of(config, player, tools), {
    logger: false,
    abortOnError: false,
  });
  try {
    return await action(context);
  } finally {
    await context.close();
  }
}
