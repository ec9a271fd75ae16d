import path from 'node:path';
import { Module } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { Cipher, CryptoModule } from '../crypto/index.js';
import { persistenceRoot } from '../files/index.js';
import {
  Documents,
  isUserDocument,
  isWorkspaceDocument,
  LocalDocuments,
  WorkspaceDocuments,
} from './documents.js';
import { ExpiringRecords } from './expiring-records.js';
import { FileDocuments } from './file/documents/file-documents.js';
import { MemoryRecords } from './file/documents/memory-records.js';
import { StorageDriver, StorageDriverModule } from './storage-driver.module.js';
import { warnOfUnusedDocuments } from './unused-documents.js';

/** The documents of the PostgreSQL driver; null with the file driver. */
const DATABASE_DOCUMENTS = Symbol('documents in the database');

/** Provides the ports of documents and records, implemented by the driver that the configuration selects. */
@Module({
  imports: [CryptoModule, StorageDriverModule],
  providers: [
    {
      provide: DATABASE_DOCUMENTS,
      inject: [StorageDriver, AppConfig],
      useFactory: async ({ postgres }: StorageDriver, config: AppConfig) => {
        if (!postgres) return null;
        const driver = await import('./postgres/documents/index.js');
        const documents = new driver.PostgresDocuments(postgres.database);
        // Before anything that is encrypted is read.
        await driver.checkSecretKey(documents, config);
        await warnOfUnusedDocuments(documents, [userFiles(config), workspaceFiles(config)]);
        return documents;
      },
    },
    {
      provide: Documents,
      inject: [DATABASE_DOCUMENTS, AppConfig],
      useFactory: (inDatabase: Documents | null, config: AppConfig) => inDatabase ?? userFiles(config),
    },
    {
      provide: WorkspaceDocuments,
      inject: [DATABASE_DOCUMENTS, AppConfig],
      useFactory: (inDatabase: WorkspaceDocuments | null, config: AppConfig) =>
        inDatabase ?? workspaceFiles(config),
    },
    {
      provide: LocalDocuments,
      useValue: { open: (folder: string) => new FileDocuments(folder) } satisfies LocalDocuments,
    },
    {
      provide: ExpiringRecords,
      inject: [StorageDriver, Cipher],
      useFactory: async ({ postgres }: StorageDriver, cipher: Cipher): Promise<ExpiringRecords> => {
        // Without a key they cannot be encrypted, and stay in memory.
        if (!postgres || !cipher.enabled) return new MemoryRecords();
        const { PostgresRecords } = await import('./postgres/documents/index.js');
        return new PostgresRecords(postgres.database, cipher);
      },
    },
  ],
  exports: [Documents, LocalDocuments, WorkspaceDocuments, ExpiringRecords],
})
export class DocumentsModule {}

function userFiles({ base_dir }: AppConfig): FileDocuments {
  return new FileDocuments(persistenceRoot(base_dir), isUserDocument);
}

function workspaceFiles(config: AppConfig): FileDocuments {
  return new FileDocuments(workspacesRoot(config), isWorkspaceDocument);
}

/** Workspaces are stored next to the conversations that use them. */
function workspacesRoot({ base_dir, conversations_path }: AppConfig): string {
  if (process.env['OH_PERSISTENCE_DIR']) return persistenceRoot(base_dir);
  return path.join(path.dirname(path.resolve(base_dir, conversations_path)), '.openhands');
}
