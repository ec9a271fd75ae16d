import { Module, type OnApplicationShutdown } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { AddressProofs, ClusterKeys } from '../crypto/index.js';
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

  /** Those of servers that are being started, by configuration. */
  private static readonly opened = new WeakMap<AppConfig, PostgresStorage>();

  /**
   * Closes the storage of a server that could not be started: Nest calls no hooks then, and others would wait
   * for the end of its lease. Never rejects.
   */
  static async closeOf(config: AppConfig): Promise<void> {
    await StorageDriver.opened
      .get(config)
      ?.close()
      .catch(() => undefined);
  }

  /** The driver is loaded only if it is used: it would take memory and time at each start. */
  static async open(config: AppConfig): Promise<StorageDriver> {
    const { database_url: url } = config;
    if (url === null) return new StorageDriver(undefined);
    const { PostgresStorage: Storage } = await import('./postgres/postgres-storage.js');
    const keys = ClusterKeys.from(config, 'addresses');
    const postgres = await Storage.open({
      database: {
        url,
        caFile: config.database_ca_file,
        poolSize: config.database_pool_size,
        timeoutMs: config.database_timeout_seconds * 1000,
      },
      leaseSeconds: config.server_lease_seconds,
      serverUrl: config.server_url,
      proofs: keys && new AddressProofs(keys),
      folders: new FileConversationFolders({
        conversationsPath: config.paths.conversations,
        leaseTtlSeconds: config.lease_ttl_seconds,
      }),
    });
    StorageDriver.opened.set(config, postgres);
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
