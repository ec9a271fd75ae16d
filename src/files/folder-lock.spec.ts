import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { FolderBusyError, FolderLock } from './folder-lock.js';

describe('FolderLock', () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(path.join(os.tmpdir(), 'lock-'))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('runs one task at a time, also with a lock object for each', async () => {
    let working = 0;
    let most = 0;
    const work = async () => {
      working += 1;
      most = Math.max(most, working);
      await new Promise((resolve) => setImmediate(resolve));
      working -= 1;
    };
    const locks = [new FolderLock(folder), new FolderLock(folder)];
    await Promise.all(Array.from({ length: 10 }, () => locks.map((lock) => lock.hold(work))).flat());
    expect(most).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it('is released after work that failed', async () => {
    const lock = new FolderLock(folder);
    await expect(lock.hold(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(lock.hold(() => Promise.resolve('yes'))).resolves.toBe('yes');
  });

  it('rejects when another process keeps the lock', async () => {
    await writeFile(
      path.join(folder, '.writer.lock'),
      JSON.stringify({ token: 'x', pid: 1, place: 'elsewhere' }),
    );
    const lock = new FolderLock(folder, '.writer.lock', 50);
    await expect(lock.hold(() => Promise.resolve())).rejects.toThrow(FolderBusyError);
    expect(await readdir(folder)).toEqual(['.writer.lock']);
  });

  it('rejects further work of a holder that lost the lock', async () => {
    const lock = new FolderLock(folder);
    const stolen = lock.hold(async (stillHeld) => {
      await stillHeld();
      await rm(path.join(folder, '.writer.lock'));
      await stillHeld();
    });
    await expect(stolen).rejects.toThrow(FolderBusyError);
  });
});
