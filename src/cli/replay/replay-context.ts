import { type DynamicModule, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuditModule } from '../../audit/index.js';
import { AuthModule } from '../../auth/index.js';
import { type AppConfig, ConfigModule } from '../../config/index.js';
import {
  Replayer,
  ReplayModule,
  type ReplayPlayer,
  type ReplayToolRegistry,
} from '../../conversations/replay/replay.module.js';
import { CryptoModule } from '../../crypto/index.js';
import { KeysModule } from '../../keys/keys.module.js';
import { UsageModule } from '../../usage/index.js';

/** Conversations without anything of the web, whose models and tools are played. */
@Module({})
class ReplayCommandModule {
  static of(config: AppConfig, player: ReplayPlayer, tools: ReplayToolRegistry): DynamicModule {
    return {
      module: ReplayCommandModule,
      imports: [
        ConfigModule.forRoot(config),
        ...[CryptoModule, KeysModule, AuditModule, AuthModule, UsageModule],
        ReplayModule.of(config, player, tools),
      ],
    };
  }
}

/** Runs an action with conversations whose models and tools are played. */
export async function withReplayer<T>(
  config: AppConfig,
  player: ReplayPlayer,
  tools: ReplayToolRegistry,
  action: (replayer: Replayer) => Promise<T>,
): Promise<T> {
  const context = await NestFactory.createApplicationContext(ReplayCommandModule.of(config, player, tools), {
    logger: false,
    abortOnError: false,
  });
  try {
    return await action(context.get(Replayer, { strict: false }));
  } finally {
    await context.close();
  }
}
