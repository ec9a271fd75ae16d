import { Module } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { Catalogue } from './catalogue.js';
import { EventLogStore } from './event-log.js';
import { ConversationFolders } from './conversation-folders.js';
import { DeliveryStore } from './delivery-store.js';
import { FileCatalogue } from './file/catalogue/file-catalogue.js';
import { FileDeliveryStore } from './file/deliveries/file-delivery-store.js';
import { FileEventLogStore } from './file/log/file-event-log-store.js';
import { FileConversationFolders } from './file/file-conversation-folders.js';
import { FileLeaseStore } from './file/lease/file-lease-store.js';
import { LoneServerDirectory, NoHints } from './file/lone-server.js';
import { Hints } from './hints.js';
import { LeaseStore } from './lease-store.js';
import { ServerDirectory } from './server-directory.js';
import { StorageOptions } from './storage-options.js';

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
    { provide: EventLogStore, useClass: FileEventLogStore },
    { provide: Catalogue, useClass: FileCatalogue },
    { provide: LeaseStore, useClass: FileLeaseStore },
    { provide: DeliveryStore, useClass: FileDeliveryStore },
    { provide: ConversationFolders, useClass: FileConversationFolders },
    { provide: ServerDirectory, useClass: LoneServerDirectory },
    { provide: Hints, useClass: NoHints },
  ],
  exports: [EventLogStore, Catalogue, LeaseStore, ConversationFolders, ServerDirectory, Hints, DeliveryStore],
})
export class StorageModule {}
