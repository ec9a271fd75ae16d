import { Module, type Abstract, type FactoryProvider } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { BashHistories } from './bash-history.js';
import { Catalogue } from './catalogue.js';
import { EventLogStore } from './event-log.js';
import { FileBashHistories } from './file/bash/file-bash-histories.js';
import { ConversationFolders } from './conversation-folders.js';
import { DeliveryStore } from './delivery-store.js';
import { FileCatalogue } from './file/catalogue/file-catalogue.js';
import { FileDeliveryStore } from './file/deliveries/file-delivery-store.js';
import { FileEventLogStore } from './file/log/file-event-log-store.js';
import { FileConversationFolders } from './file/file-conversation-folders.js';
import { FileLeaseStore } from './file/lease/file-lease-store.js';
import { LoneServerDirectory, NoHints, OwnTurns } from './file/lone-server.js';
import { Hints } from './hints.js';
import { LeaseStore } from './lease-store.js';
import type { PostgresStorage } from './postgres/postgres-storage.js';
import { ReservedConversations } from './reserved-conversations.js';
import { ServerDirectory } from './server-directory.js';
import { ServerTurns } from './server-turns.js';
import { StorageDriver, StorageDriverModule } from './storage-driver.module.js';
import { BashHistoryOptions, StorageOptions } from './storage-options.js';
import { StorageStatus } from './storage-status.js';

/** Provides the storage ports, implemented by the driver that the configuration selects. */
@Module({
  imports: [StorageDriverModule],
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
    {
      provide: EventLogStore,
      inject: [StorageDriver, StorageOptions, ReservedConversations],
      useFactory: (
        { postgres }: StorageDriver,
        options: StorageOptions,
        reserved: ReservedConversations,
      ): EventLogStore => postgres?.logs ?? new FileEventLogStore(options, reserved),
    },
    {
      provide: Catalogue,
      inject: [StorageDriver, StorageOptions, ReservedConversations],
      useFactory: (
        { postgres }: StorageDriver,
        options: StorageOptions,
        reserved: ReservedConversations,
      ): Catalogue => postgres?.catalogue ?? new FileCatalogue(options, reserved),
    },
    ReservedConversations,
    {
      provide: LeaseStore,
      inject: [StorageDriver, StorageOptions, ReservedConversations],
      useFactory: (
        { postgres }: StorageDriver,
        options: StorageOptions,
        reserved: ReservedConversations,
      ): LeaseStore => postgres?.leases ?? new FileLeaseStore(options, reserved),
    },
    port(
      ServerDirectory,
      ({ servers }) => servers,
      () => new LoneServerDirectory(),
    ),
    port(
      Hints,
      ({ hints }) => hints,
      () => new NoHints(),
    ),
    port<ServerTurns>(
      ServerTurns,
      ({ turns }) => turns,
      () => new OwnTurns(),
    ),
    port(
      DeliveryStore,
      ({ deliveries }) => deliveries,
      (options) => new FileDeliveryStore(options),
    ),
    {
      provide: BashHistories,
      inject: [StorageDriver, BashHistoryOptions, ConversationFolders],
      useFactory: ({ postgres }: StorageDriver, options: BashHistoryOptions, folders: ConversationFolders) =>
        postgres?.bashHistories(options.limits) ?? new FileBashHistories(options, folders),
    },
    port<StorageStatus>(
      StorageStatus,
      ({ database }) => database,
      // What a folder refuses is reported by each request: a probe would have to write.
      () => ({ isAvailable: true }),
    ),
    { provide: ConversationFolders, useClass: FileConversationFolders },
  ],
  exports: [
    EventLogStore,
    Catalogue,
    LeaseStore,
    ReservedConversations,
    BashHistories,
    ConversationFolders,
    DeliveryStore,
    ServerDirectory,
    ServerTurns,
    Hints,
    StorageStatus,
  ],
})
export class StorageModule {}

/** A port with its implementation by each driver. */
function port<T>(
  token: Abstract<T>,
  ofPostgres: (driver: PostgresStorage) => T,
  ofFiles: (options: StorageOptions) => T,
): FactoryProvider<T> {
  return {
    provide: token,
    inject: [StorageDriver, StorageOptions],
    useFactory: ({ postgres }: StorageDriver, options: StorageOptions) =>
      postgres ? ofPostgres(postgres) : ofFiles(options),
  };
}
