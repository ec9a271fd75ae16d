import path from 'node:path';
import { Module } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { AutomationStore, AutomationStoreOptions } from './automation-store.js';
import { FileAutomationStore } from './file/automations/file-automation-store.js';
import { StorageDriver, StorageDriverModule } from './storage-driver.module.js';

/** Provides the store of automations, implemented by the driver that the configuration selects. */
@Module({
  imports: [StorageDriverModule],
  providers: [
    {
      provide: AutomationStoreOptions,
      inject: [AppConfig],
      useFactory: (config: AppConfig): AutomationStoreOptions => ({
        // Beside the conversations that they start; its name is none of a conversation.
        folder: path.join(config.paths.conversations, '.automations'),
      }),
    },
    {
      provide: AutomationStore,
      inject: [StorageDriver, AutomationStoreOptions],
      useFactory: ({ postgres }: StorageDriver, options: AutomationStoreOptions) =>
        postgres?.automations() ?? new FileAutomationStore(options),
    },
  ],
  exports: [AutomationStore],
})
export class AutomationStoreModule {}
