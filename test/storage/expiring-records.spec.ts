import type { ExpiringRecords } from '../../src/storage/index.js';
import {
  databaseStorage,
  type DatabaseStorage,
  fileStorage,
  type SharedStorage,
} from '../support/document-stores.js';
import { describeWithDatabase } from '../support/postgres.js';
import { eventually } from '../support/server-process.js';

const LONG_MS = 60_000;

describe('expiring records in memory', () => behaveAsRecords(fileStorage));
describeWithDatabase('expiring records in PostgreSQL', () => {
  behaveAsRecords(databaseStorage);

  it('are stored encrypted, and are none for a server with another key', async () => {
    const storage: DatabaseStorage = await databaseStorage();
    try {
      const { records } = storage.open();
      await records.add('sign-in', 'secret-id', 'secret-content', LONG_MS);
      const rows = JSON.stringify(await storage.database.query('SELECT * FROM expiring_record'));
      for (const secret of ['secret-id', 'secret-content']) expect(rows).not.toContain(secret);
    } finally {
      await storage.close();
    }
  });
});

function behaveAsRecords(start: () => Promise<SharedStorage>): void {
  let storage: SharedStorage;
  let here: ExpiringRecords;
  let there: ExpiringRecords;
  beforeEach(async () => {
    storage = await start();
    here = storage.open().records;
    there = storage.open().records;
  });
  afterEach(() => storage.close());

  it('are read until they are removed, which one caller does', async () => {
    expect(await here.read('a', '1')).toBeUndefined();
    expect(await here.add('a', '1', 'one', LONG_MS)).toBe(true);
    expect(await there.add('a', '1', 'other', LONG_MS)).toBe(false);
    expect(await there.read('a', '1')).toMatchObject({ content: 'one' });
    expect(await there.read('b', '1')).toBeUndefined();
    const removed = await Promise.all([here, there, here].map((records) => records.remove('a', '1')));
    expect(removed.filter(Boolean)).toHaveLength(1);
    expect(await here.read('a', '1')).toBeUndefined();
    expect(await there.add('a', '1', 'next', LONG_MS)).toBe(true);
  });

  it('are replaced only as the version that was read', async () => {
    await here.add('a', '1', 'one', LONG_MS);
    const { version } = (await here.read('a', '1')) ?? {};
    const replaced = await Promise.all(
      [here, there, here, there].map((records, index) =>
        records.replace('a', '1', `by ${index}`, LONG_MS, version),
      ),
    );
    expect(replaced.filter(Boolean)).toHaveLength(1);
    expect((await there.read('a', '1'))?.content).toBe(`by ${replaced.indexOf(true)}`);
    expect(await here.replace('a', 'none', 'x', LONG_MS, 1)).toBe(false);
    expect(await here.replace('a', '1', 'whatever', LONG_MS)).toBe(true);
    expect(await here.replace('a', '2', 'new', LONG_MS)).toBe(true);
    expect(await there.read('a', '2')).toMatchObject({ content: 'new' });
  });

  it('expire', async () => {
    await here.add('a', '1', 'one', 50, 1);
    await eventually(async () => (await there.read('a', '1')) === undefined, 'the end of the record');
    expect(await there.remove('a', '1')).toBe(false);
    expect(await there.replace('a', '1', 'x', LONG_MS, 1)).toBe(false);
    expect(await there.add('a', '1', 'two', LONG_MS, 1)).toBe(true);
    expect(await here.read('a', '1')).toMatchObject({ content: 'two' });
  });

  it('live on when they are replaced', async () => {
    await here.add('a', '1', 'one', 50);
    await there.replace('a', '1', 'two', LONG_MS);
    await here.add('a', 'other', '', 50);
    await eventually(async () => (await here.read('a', 'other')) === undefined, 'the end of the other one');
    expect(await here.read('a', '1')).toMatchObject({ content: 'two' });
  });

  it('have a maximum number of each kind', async () => {
    await here.add('b', '1', '', LONG_MS, 1);
    for (const id of ['1', '2', '3']) expect(await there.add('a', id, '', LONG_MS, 3)).toBe(true);
    expect(await here.add('a', '4', '', LONG_MS, 3)).toBe(false);
    await here.removeAll('a');
    expect(await there.read('a', '1')).toBeUndefined();
    expect(await there.read('b', '1')).toBeDefined();
    await eventually(() => here.add('a', '4', '', LONG_MS, 3), 'room for another record');
  });
}
