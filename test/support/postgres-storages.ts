import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { PostgresStorage } from '../../src/storage/postgres/postgres-storage.js';
import type { StoredMetadata } from '../../src/storage/index.js';

/** Storages of several servers in this process, closed after each test. */
export class PostgresStorages {
  private readonly opened: PostgresStorage[] = [];
  private folder = '';

  static forTests(): PostgresStorages {
    const storages = new PostgresStorages();
    beforeEach(async () => {
      storages.folder = await mkdtemp(path.join(os.tmpdir(), 'folders-'));
    });
    afterEach(async () => {
      await Promise.all(storages.opened.splice(0).map((storage) => storage.close()));
      await rm(storages.folder, { recursive: true, force: true });
    });
    return storages;
  }

  /** The folder of a conversation. */
  folderOf(id: string): string {
    return path.join(this.folder, id);
  }

  async open(url: string, leaseSeconds = 1, timeoutMs = 5000): Promise<PostgresStorage> {
    const storage = await PostgresStorage.open({
      database: { url, caFile: null, poolSize: 4, timeoutMs },
      leaseSeconds,
      serverUrl: null,
      proofs: undefined,
      folders: { folder: (id) => this.folderOf(id) },
    });
    this.opened.push(storage);
    return storage;
  }
}

/** Metadata of a conversation. */
export function metadataWith(changes: Partial<StoredMetadata> = {}): StoredMetadata {
  return {
    id: randomUUID(),
    created_at: '2026-01-01T00:00:00.000000Z',
    updated_at: '2026-01-01T00:00:00.000000Z',
    execution_status: 'idle',
    parent_conversation_id: null,
    owner_key: null,
    log_position: 0,
    ...changes,
  };
}
