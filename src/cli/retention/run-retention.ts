import { type DynamicModule, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type AppConfig, ConfigModule, usesContainers } from '../../config/index.js';
import { DomainError, errorMessage } from '../../errors/index.js';
import { describePlan, RetentionPlanner, rulesOf } from '../../retention/index.js';
import { Catalogue, ConversationFolders, LeaseStore, ReservedConversations } from '../../storage/index.js';
import { StorageModule } from '../../storage/storage.module.js';
import type { CommandOutput } from '../subcommand.js';
import type { RetentionLook } from './retention-command-line.js';

/** The stored conversations without anything of the web. */
@Module({})
class RetentionCommandModule {
  static of(config: AppConfig): DynamicModule {
    return { module: RetentionCommandModule, imports: [ConfigModule.forRoot(config), StorageModule] };
  }
}

/** Prints what the retention would remove. @returns the exit code */
export async function runRetention(
  look: RetentionLook,
  config: AppConfig,
  output: CommandOutput,
): Promise<number> {
  const rules = rulesOf(config, { retention_days: look.days, disk_budget: look.budget });
  if (rules.retention_days === null && rules.disk_budget === null)
    output.note('there is no rule: set conversation_storage_retention_days or give --days, or a budget');
  if (usesContainers(config))
    output.note('conversations in containers are listed too, although the server leaves them alone');
  const context = await NestFactory.createApplicationContext(RetentionCommandModule.of(config), {
    logger: false,
    abortOnError: false,
  });
  try {
    const catalogue = context.get(Catalogue, { strict: false });
    const planner = new RetentionPlanner({
      catalogue,
      config,
      folders: context.get(ConversationFolders, { strict: false }),
      leases: context.get(LeaseStore, { strict: false }),
      reserved: context.get(ReservedConversations, { strict: false }),
      useOf: () => undefined,
    });
    const plan = await planner.plan(rules, new AbortController().signal);
    if (look.asJson) output.print(JSON.stringify(plan));
    else for (const line of describePlan(plan)) output.print(line);
    return 0;
  } finally {
    await context.close();
  }
}

/** Explains to the operator why nothing was listed. */
export function explainRetentionError(error: unknown): string {
  if (error instanceof DomainError) return error.message;
  return `cannot read the stored conversations: ${errorMessage(error).split('\n')[0] ?? ''}`;
}
