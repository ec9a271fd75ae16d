import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import pg from 'pg';
import { DocumentsBusyError, type Documents, StorageFailedError } from '../../src/storage/index.js';
import { PostgresDocuments } from '../../src/storage/postgres/documents/index.js';
import { databaseStorage, type DatabaseStorage } from '../support/document-stores.js';
import { describeWithDatabase } from '../support/postgres.js';
import { randomOf } from '../support/random.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const ROUNDS = Number(process.env['FAULT_ROUNDS'] ?? 10);
const SEED = Number(process.env['FAULT_SEED'] ?? 5);
/** Time limit of the server that is cut off (ms). */
const TIMEOUT_MS = 2_000;
const NAME = 'settings.json';

describeWithDatabase('documents in PostgreSQL behind a bad network', () => {
  let storage: DatabaseStorage;
  let proxy: TcpProxy;
  let here: Documents;
  let there: Documents;
  beforeAll(() => void Logger.overrideLogger(false));
  afterAll(() => void Logger.overrideLogger(true));
  beforeEach(async () => {
    storage = await databaseStorage();
    proxy = await TcpProxy.start(storage.database.url);
    here = new PostgresDocuments(storage.connect(proxy.url, TIMEOUT_MS));
    there = storage.open().documents;
    await there.change((writer) => writer.write(NAME, { v: 0 }));
    await here.change((writer) => writer.write(NAME, { v: 1 }));
  });
  afterEach(async () => {
    proxy.behave();
    await storage.close();
    await proxy.stop();
  });

  const cutAtCommit = (direction: 'toServer' | 'toClient'): Promise<string> =>
    here.change(async (writer) => {
      await writer.write(NAME, { v: 2 });
      proxy.behave({ cut: { direction, bytes: 0, once: true } });
      return 'done';
    });

  it('acknowledge a change that was stored though its answer was lost', async () => {
    expect(await cutAtCommit('toClient')).toBe('done');
    expect(await there.read(NAME)).toEqual({ v: 2 });
  });

  it('refuse a change whose commit did not arrive', async () => {
    await expect(cutAtCommit('toServer')).rejects.toBeInstanceOf(StorageFailedError);
    expect(await there.read(NAME)).toEqual({ v: 1 });
    await here.change((writer) => writer.write(NAME, { v: 3 }));
    expect(await there.read(NAME)).toEqual({ v: 3 });
  });

  it('know the outcome although another server made a change in between', async () => {
    let between: Promise<void> | undefined;
    const changed = here.change(async (writer) => {
      await writer.write(NAME, { v: 2 });
      between = there.change(async (other) => {
        const value = await there.read(NAME);
        await other.write(NAME, { ...value, between: true });
      });
      proxy.behave({ cut: { direction: 'toClient', bytes: 0, once: true } });
    });
    await changed;
    await between;
    expect(await there.read(NAME)).toEqual({ v: 2, between: true });
  });

  it('change nothing when the connection is lost in the middle', async () => {
    const changed = here.change(async (writer) => {
      await writer.write(NAME, { v: 2 });
      proxy.cutAll();
      await writer.write('secrets.json', { v: 2 });
    });
    await expect(changed).rejects.toBeInstanceOf(StorageFailedError);
    expect(await there.read(NAME)).toEqual({ v: 1 });
    expect(await there.list()).toEqual([NAME]);
  });

  it('fail with the reason while the database is away, and go on by themselves', async () => {
    proxy.behave({ drop: true });
    await expect(here.read(NAME)).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(here.change((writer) => writer.remove(NAME))).rejects.toMatchObject({ kind: 'unavailable' });
    proxy.behave();
    await here.change((writer) => writer.write(NAME, { v: 2 }));
    expect(await here.read(NAME)).toEqual({ v: 2 });
  });

  it('wait no longer than the time limit for a server that froze during a change', async () => {
    let frozen: () => void = () => undefined;
    const isFrozen = new Promise<void>((resolve) => (frozen = resolve));
    const outcome = here
      .change(async (writer) => {
        await writer.write(NAME, { v: 2 });
        proxy.behave({ freeze: true });
        frozen();
      })
      .catch((error: unknown) => error);
    await isFrozen;
    await there.change((writer) => writer.write(NAME, { v: 3 }));
    proxy.behave();
    expect(await outcome).toBeInstanceOf(StorageFailedError);
    expect(await there.read(NAME)).toEqual({ v: 3 });
  });

  it('say that they are busy when their lock is held for too long', async () => {
    const holder = new pg.Client({ connectionString: storage.database.url });
    await holder.connect();
    try {
      await holder.query('BEGIN; SELECT FROM document_state FOR UPDATE');
      const changed = here.change((writer) => writer.remove(NAME));
      await expect(changed).rejects.toBeInstanceOf(DocumentsBusyError);
      // Reads do not wait for changes.
      expect(await here.read(NAME)).toEqual({ v: 1 });
    } finally {
      await holder.end();
    }
  });

  it('keep all changes that were acknowledged, once, and none that was refused', async () => {
    const random = randomOf(SEED);
    const acknowledged: number[] = [];
    const refused: number[] = [];
    const rounds = { areOver: false, isQuiet: false };
    const faults = (async () => {
      while (!rounds.areOver) {
        await sleep(random() * 20);
        if (rounds.isQuiet) continue;
        const direction = random() < 0.5 ? 'toServer' : 'toClient';
        proxy.behave({ cut: { direction, bytes: Math.floor(random() * 600), once: true } });
      }
      proxy.behave();
    })();
    for (let id = 0; id < ROUNDS; id += 1) {
      // On a busy machine no connection lives long enough for a change unless the faults pause.
      rounds.isQuiet = id % 3 === 2;
      if (rounds.isQuiet) proxy.behave();
      await here
        .change(async (writer) => {
          const { ids = [] } = (await here.read(NAME)) ?? {};
          await writer.write(NAME, { ids: [...(ids as number[]), id] });
        })
        .then(
          () => acknowledged.push(id),
          (error: unknown) => {
            if (!(error instanceof StorageFailedError)) throw error;
            refused.push(id);
          },
        );
    }
    rounds.areOver = true;
    await faults;
    expect(await there.read(NAME)).toEqual({ ids: acknowledged });
    expect(acknowledged.length + refused.length).toBe(ROUNDS);
    expect(acknowledged.length).toBeGreaterThan(0);
  });
});
