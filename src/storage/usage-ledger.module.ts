import path from 'node:path';
import { Module } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { FileUsageLedger } from './file/usage/file-usage-ledger.js';
import { StorageDriver, StorageDriverModule } from './storage-driver.module.js';
import { UsageLedger, UsageLedgerOptions } from './usage-ledger.js';

/** Provides the ledger of what models cost, implemented by the driver that the configuration selects. */
@Module({
  imports: [StorageDriverModule],
  providers: [
    {
      provide: UsageLedgerOptions,
      inject: [AppConfig],
      useFactory: (config: AppConfig): UsageLedgerOptions => ({
        // Beside the logs that it is made from; its name is none of a conversation.
        folder: path.join(config.paths.conversations, '.usage'),
      }),
    },
    {
      provide: UsageLedger,
      inject: [StorageDriver, UsageLedgerOptions],
      useFactory: ({ postgres }: StorageDriver, options: UsageLedgerOptions) =>
        postgres?.usageLedger() ?? new FileUsageLedger(options),
    },
  ],
  exports: [UsageLedger],
})
export class UsageLedgerModule {}
