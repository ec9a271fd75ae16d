import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Cipher } from '../../src/crypto/index.js';
import { isUserDocument, type Documents, type ExpiringRecords } from '../../src/storage/index.js';
import { FileDocuments } from '../../src/storage/file/documents/file-documents.js';
import { MemoryRecords } from '../../src/storage/file/documents/memory-records.js';
import { Database } from '../../src/storage/postgres/database/index.js';
import { PostgresDocuments } from '../../src/storage/postgres/documents/postgres-documents.js';
import { PostgresRecords } from '../../src/storage/postgres/documents/postgres-records.js';
import { migrate } from '../../src/storage/postgres/migrations/index.js';
import { TestDatabase } from './postgres.js';

/** What one server has of the storage of documents. */
interface DocumentStore {
  documents: Documents;
  records: ExpiringRecords;
}

/** A storage of documents that several servers share. */
export interface SharedStorage {
  /** As another server sees it. */
  open(): DocumentStore;
  /** Stores a text without the driver's help, as a person or another program does. */
  put(name: string, text: string): Promise<void>;
  close(): Promise<void>;
}

/** A new folder. */
export async function fileStorage(): Promise<SharedStorage & { folder: string }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'documents-'));
  // The memory of one process.
  const records = new MemoryRecords();
  const other = new FileDocuments(folder);
  return {
    folder,
    open: () => ({ documents: new FileDocuments(folder, isUserDocument), records }),
    put: (name, text) => other.change((writer) => writer.writeText(name, text)),
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A storage in a database of its own. */
export interface DatabaseStorage extends SharedStorage {
  database: TestDatabase;
  /** A connection of another server. @param url that of a proxy in front of the database, for instance */
  connect(url: string, timeoutMs?: number): Database;
}

/** A new database. */
export async function databaseStorage(key = 'a-key'): Promise<DatabaseStorage> {
  const database = await TestDatabase.create();
  const opened: Database[] = [];
  const connect = (url: string, timeoutMs = 10_000): Database => {
    const connection = new Database({ url, caFile: null, poolSize: 6, timeoutMs });
    opened.push(connection);
    return connection;
  };
  await migrate(connect(database.url));
  return {
    database,
    connect,
    open: () => {
      const connection = connect(database.url);
      return {
        documents: new PostgresDocuments(connection),
        records: new PostgresRecords(connection, new Cipher(key)),
      };
    },
    put: async (name, text) => {
      await database.query('INSERT INTO document (name, version, content) VALUES ($1, 0, $2)', [name, text]);
    },
    close: async () => {
      await Promise.all(opened.map((connection) => connection.close()));
      await database.drop();
    },
  };
}
