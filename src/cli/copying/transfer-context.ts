import { ConsoleLogger, type DynamicModule, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type AppConfig, ConfigModule } from '../../config/index.js';
import { ConversationTransfer } from '../../conversations/index.js';
import { TransferModule } from '../../conversations/transfer/transfer.module.js';
import { DocumentsModule } from '../../storage/documents.module.js';
import type { CopyOutput } from './copy-progress.js';

/** The storage of conversations without anything of the web. The documents check the key of a database. */
@Module({})
class TransferCommandModule {
  static of(config: AppConfig): DynamicModule {
    return {
      module: TransferCommandModule,
      imports: [ConfigModule.forRoot(config), DocumentsModule, TransferModule],
    };
  }
}

/** Opens the configured storage for an action. */
export async function withTransfer(
  config: AppConfig,
  output: CopyOutput,
  action: (transfer: ConversationTransfer) => Promise<number>,
): Promise<number> {
  const context = await NestFactory.createApplicationContext(TransferCommandModule.of(config), {
    logger: new Warnings(output),
    abortOnError: false,
  });
  try {
    return await action(context.get(ConversationTransfer, { strict: false }));
  } finally {
    await context.close();
  }
}

/** Prints warnings of the storage only. */
class Warnings extends ConsoleLogger {
  constructor(private readonly output: CopyOutput) {
    super({ logLevels: ['warn', 'error', 'fatal'], colors: false });
  }

  override printMessages(messages: unknown[], context?: string): void {
    // What keeps the storage from opening is explained at the end; lost secrets are reported.
    if (context === 'ExceptionHandler' || context === 'Settings' || context === 'Secrets') return;
    for (const message of messages) this.output.write(`warning: ${String(message)}\n`);
  }
}
