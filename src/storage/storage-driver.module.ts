import { Module, type OnApplicationShutdown } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { FileConversationFolders } from './file/file-conversation-folders.js';
import type { PostgresStorage } from './postgres/postgres-storage.js';

/**
 * The storage driver that the configuration selects. Modules of storage ports ask it which implementation to
 * provide.
 */
export class StorageDriver implements OnApplicationShutdown {
  private constructor(
    /** The PostgreSQL driver; undefined: the file driver. */
    readonly postgres: PostgresStorage | undefined,
  ) {}

  /** The driver is loaded only if it is used: it would take memory and time at each start. */
  static async open(config: AppConfig): Promise<StorageDriver> {
    const { database_url: url } = config;
    if (url === null) return new StorageDriver(undefined);
    const { PostgresStorage: Storage } = await import('./postgres/postgres-storage.js');
    const postgres = await Storage.open({
      database: {
        url,
        caFile: config.database_ca_file,
        poolSize: config.database_pool_size,
        timeoutMs: config.database_timeout_seconds * 1000,
      },
      leaseSeconds: config.server_lease_seconds,
      serverUrl: config.server_url,
      folders: new FileConversationFolders({
        conversationsPath: config.paths.conversations,
        leaseTtlSeconds: config.lease_ttl_seconds,
      }),
    });
    return new StorageDriver(postgres);
  }

  /** After the modules that use it. */
  async onApplicationShutdown(): Promise<void> {
    await this.postgres?.close();
  }
}

/** Provides the driver to the modules of the storage ports. */
@Module({
  providers: [
    {
      provide: StorageDriver,
      inject: [AppConfig],
      useFactory: (config: AppConfig) => StorageDriver.open(config),
    },
  ],
  exports: [StorageDriver],
})
export class StorageDriverModule {}
