import { type Abstract, ConsoleLogger, type DynamicModule, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type AppConfig, ConfigModule } from '../../config/index.js';
import { EventBus } from '../../events/index.js';
import { EventBusModule } from '../../events/event-bus.module.js';
import { Catalogue, EventLogStore, ReservedConversations, UsageLedger } from '../../storage/index.js';
import { StorageModule } from '../../storage/storage.module.js';
import { UsageLedgerModule } from '../../storage/usage-ledger.module.js';
import { UsageCatchUp, UsageRecorder } from '../../usage/index.js';
import type { CommandOutput } from '../subcommand.js';

/** How often is said how far it is (ms). */
const NOTE_MS = 2_000;

/** The storage without anything of the web. */
@Module({})
class RebuildModule {
  static of(config: AppConfig): DynamicModule {
    return {
      module: RebuildModule,
      imports: [ConfigModule.forRoot(config), StorageModule, UsageLedgerModule, EventBusModule],
    };
  }
}

/** Completes the ledger from all logs. @returns the exit code: 1 if a log could not be read */
export async function rebuild(config: AppConfig, output: CommandOutput): Promise<number> {
  const context = await NestFactory.createApplicationContext(RebuildModule.of(config), {
    logger: new ProblemNotes(output),
    abortOnError: false,
  });
  try {
    const get = <T>(port: Abstract<T>): T => context.get<T>(port, { strict: false });
    const [ledger, bus, catalogue] = [get(UsageLedger), get(EventBus), get(Catalogue)];
    const recorder = new UsageRecorder(ledger, bus, get(ReservedConversations));
    // Not a part of the module: it would begin by itself.
    const catchUp = new UsageCatchUp(recorder, catalogue, get(EventLogStore), bus, config);
    const all = await catalogue.count();
    let [read, notedAt] = [0, performance.now()];
    const { conversations, added, unreadable } = await catchUp.run(undefined, () => {
      read += 1;
      if (performance.now() - notedAt < NOTE_MS) return;
      notedAt = performance.now();
      output.note(`${read} of ${all} conversations read`);
    });
    await ledger.recount();
    await ledger.close();
    output.print(`${conversations} conversations read, ${added} calls added`);
    if (unreadable > 0) output.note(`${unreadable} conversations could not be read`);
    return unreadable > 0 ? 1 : 0;
  } finally {
    await context.close();
  }
}

/** Prints problems beside the result, which programs read. */
class ProblemNotes extends ConsoleLogger {
  constructor(private readonly output: CommandOutput) {
    super({ logLevels: ['warn', 'error', 'fatal'], colors: false });
  }

  override printMessages(messages: unknown[], context?: string): void {
    // What keeps the storage from opening is explained at the end.
    if (context === 'ExceptionHandler') return;
    for (const message of messages) this.output.note(String(message));
  }
}
