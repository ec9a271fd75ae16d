import { randomUUID } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { removeAtEnd } from './server.mjs';

/** As the lines of `BareInserts`. */
const LINE = JSON.stringify({ text: 'x'.repeat(389) });

/** Runs an action with the storage driver for PostgreSQL of this build, in this process. */
export async function withDriver(url, action) {
  const { PostgresStorage } = await import('../../dist/current/storage/postgres/postgres-storage.js');
  const folder = await mkdtemp(path.join(os.tmpdir(), 'bench-'));
  removeAtEnd(folder);
  const storage = await PostgresStorage.open({
    database: { url, caFile: null, poolSize: 10, timeoutMs: 5_000 },
    leaseSeconds: 10,
    serverUrl: null,
    proofs: undefined,
    folders: { folder: (id) => path.join(folder, id) },
  });
  try {
    return await action(storage);
  } finally {
    await storage.close();
  }
}

/** A log of a new conversation, written by the driver. */
export class DriverLog {
  #log;
  #fence;
  #next = 0;

  static async create(storage) {
    const id = randomUUID();
    const log = new DriverLog();
    log.#fence = await storage.leases.acquire(id);
    log.#log = await storage.logs.open(id);
    return log;
  }

  /** Resolves when `count` more events are committed. */
  append(count) {
    const records = Array.from({ length: count }, () => ({
      id: randomUUID(),
      kind: 'MessageEvent',
      source: 'user',
      timestamp: '2026-01-01T00:00:00',
      line: LINE,
    }));
    const seq = this.#next;
    this.#next += count;
    return this.#log.append(seq, this.#fence, records);
  }
}
