import { Module } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { BashHistories } from './bash-history.js';
import { Catalogue } from './catalogue.js';
import { EventLogStore } from './event-log.js';
import { FileBashHistories } from './file/bash/file-bash-histories.js';
import { ConversationFolders } from './conversation-folders.js';
import { FileCatalogue } from './file/catalogue/file-catalogue.js';
import { FileEventLogStore } from './file/log/file-event-log-store.js';
import { FileConversationFolders } from './file/file-conversation-folders.js';
import { FileLeaseStore } from './file/lease/file-lease-store.js';
import { LoneServerDirectory, NoHints } from './file/lone-server.js';
import { Hints } from './hints.js';
import { LeaseStore } from './lease-store.js';
import { ServerDirectory } from './server-directory.js';
import { BashHistoryOptions, StorageOptions } from './storage-options.js';

/** Provides the storage ports, implemented by the file driver. */
@Module({
  providers: [
    {
      provide: StorageOptions,
      inject: [AppConfig],
      useFactory: (config: AppConfig): StorageOptions => ({
        conversationsPath: config.paths.conversations,
        leaseTtlSeconds: config.lease_ttl_seconds,
      }),
    },
    {
      provide: BashHistoryOptions,
      inject: [AppConfig],
      useFactory: (config: AppConfig): BashHistoryOptions => ({
        folder: config.paths.bashEvents,
        limits: {
          events: config.bash_events_max_count,
          bytes: config.bash_events_max_bytes,
          seconds: config.bash_events_retention_seconds,
        },
      }),
    },
    { provide: EventLogStore, useClass: FileEventLogStore },
    { provide: Catalogue, useClass: FileCatalogue },
    { provide: LeaseStore, useClass: FileLeaseStore },
    { provide: BashHistories, useClass: FileBashHistories },
    { provide: ConversationFolders, useClass: FileConversationFolders },
    { provide: ServerDirectory, useClass: LoneServerDirectory },
    { provide: Hints, useClass: NoHints },
  ],
  exports: [
    EventLogStore,
    Catalogue,
    LeaseStore,
    BashHistories,
    ConversationFolders,
    ServerDirectory,
    Hints,
  ],
})
export class StorageModule {}
