import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { FileCatalogue } from '../../src/storage/file/catalogue/file-catalogue.js';
import { FileEventLogStore } from '../../src/storage/file/log/file-event-log-store.js';
import { FileLeaseStore } from '../../src/storage/file/lease/file-lease-store.js';
import { conversationFolder } from '../../src/storage/file/conversation-folder.js';
import type { Catalogue, EventLog, EventLogStore, LeaseFence, LeaseStore } from '../../src/storage/index.js';
import { PostgresStorage } from '../../src/storage/postgres/postgres-storage.js';
import { describeWithDatabase, TestDatabase } from '../support/postgres.js';

/** The ports of one server. */
export interface StorageServer {
  logs: EventLogStore;
  catalogue: Catalogue;
  leases: LeaseStore;
  /** Ends it in order. */
  close(): Promise<void>;
}

/** A storage that several servers share. */
export interface SharedStorage {
  /** Whether lists show at once what other servers have changed, instead of after a while. */
  readonly listsAreShared: boolean;
  /** Starts another server on it. */
  server(): Promise<StorageServer>;
  /** Overwrites the stored line of an event with something that is no event, if lines are checked. */
  damageLine?(id: string, seq: number): Promise<void>;
  /** Overwrites the stored metadata of a conversation with something that is no JSON. */
  damageMetadata(id: string): Promise<void>;
  remove(): Promise<void>;
}

/** Declares the same tests for each driver. Everything that they open is closed after each of them. */
export function describeDrivers(what: string, tests: (storage: StorageFixture) => void): void {
  describe(`${what} (files)`, () => tests(StorageFixture.forTests(() => FileShared.create())));
  describeWithDatabase(`${what} (PostgreSQL)`, () =>
    tests(StorageFixture.forTests(() => PostgresShared.create())),
  );
}

/** A storage for the tests of a block, with a first server. */
export class StorageFixture {
  private readonly servers: StorageServer[] = [];
  private shared: SharedStorage | undefined;

  static forTests(create: () => Promise<SharedStorage>): StorageFixture {
    const fixture = new StorageFixture();
    beforeAll(async () => {
      fixture.shared = await create();
    });
    afterEach(() => fixture.closeServers());
    afterAll(() => fixture.shared?.remove());
    return fixture;
  }

  get storage(): SharedStorage {
    if (!this.shared) throw new Error('the storage is not created yet');
    return this.shared;
  }

  /** Starts a server, which ends after the test. */
  async server(): Promise<StorageServer> {
    const server = await this.storage.server();
    this.servers.push(server);
    return server;
  }

  /** Ends servers that are still there. */
  async closeServers(): Promise<void> {
    await Promise.all(this.servers.splice(0).map((server) => server.close()));
  }
}

/** A conversation that a server owns. */
export interface OwnedLog {
  id: string;
  fence: LeaseFence;
  log: EventLog;
}

/** Takes a conversation, a new one by default. */
export async function own(server: StorageServer, id: string = randomUUID()): Promise<OwnedLog> {
  const fence = await server.leases.acquire(id);
  return { id, fence, log: await server.logs.open(id) };
}

/** Gives a conversation up. */
export async function disown(server: StorageServer, { fence, log }: OwnedLog): Promise<void> {
  await log.close();
  await server.leases.release(fence);
}

class FileShared implements SharedStorage {
  readonly listsAreShared = false;

  private constructor(private readonly root: string) {}

  static async create(): Promise<SharedStorage> {
    return new FileShared(await mkdtemp(path.join(os.tmpdir(), 'storage-')));
  }

  server(): Promise<StorageServer> {
    const options = { conversationsPath: this.root, leaseTtlSeconds: 45 };
    const leases = new FileLeaseStore(options);
    const catalogue = new FileCatalogue(options);
    return Promise.resolve({
      logs: new FileEventLogStore(options),
      catalogue,
      leases,
      close: async () => {
        await catalogue.onApplicationShutdown();
        await leases.onApplicationShutdown();
      },
    });
  }

  async damageLine(id: string, seq: number): Promise<void> {
    const file = path.join(conversationFolder(this.root, id), 'events.jsonl');
    const lines = (await readFile(file, 'utf8')).split('\n');
    lines[seq] = '#'.repeat(lines[seq]?.length ?? 0);
    await writeFile(file, lines.join('\n'));
    await rm(path.join(conversationFolder(this.root, id), 'events.index'), { force: true });
  }

  async damageMetadata(id: string): Promise<void> {
    await writeFile(path.join(conversationFolder(this.root, id), 'metadata.json'), 'no JSON\n');
  }

  remove(): Promise<void> {
    return rm(this.root, { recursive: true, force: true });
  }
}

/** A storage in a database. */
class PostgresShared implements SharedStorage {
  readonly listsAreShared = true;

  private constructor(
    private readonly database: TestDatabase,
    private readonly root: string,
  ) {}

  static async create(): Promise<SharedStorage> {
    const root = await mkdtemp(path.join(os.tmpdir(), 'storage-'));
    return new PostgresShared(await TestDatabase.create(), root);
  }

  async server(): Promise<StorageServer> {
    const storage = await PostgresStorage.open({
      database: { url: this.database.url, caFile: null, poolSize: 4, timeoutMs: 5000 },
      leaseSeconds: 10,
      serverUrl: null,
      proofs: undefined,
      folders: { folder: (id) => path.join(this.root, id) },
    });
    const { logs, catalogue, leases } = storage;
    return { logs, catalogue, leases, close: () => storage.close() };
  }

  async damageMetadata(id: string): Promise<void> {
    await this.database.query(
      `UPDATE metadata SET content = 'no JSON', version = nextval('metadata_version') WHERE conversation = $1`,
      [id],
    );
  }

  async remove(): Promise<void> {
    await this.database.drop();
    await rm(this.root, { recursive: true, force: true });
  }
}
