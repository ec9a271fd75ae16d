import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { makeFolder } from './make-folder.js';

describe('makeFolder', () => {
  let root: string;
  beforeEach(async () => (root = await mkdtemp(path.join(os.tmpdir(), 'folders-'))));
  afterEach(() => rm(root, { recursive: true, force: true }));

  it('creates missing parents, also for calls at the same time', async () => {
    const folder = path.join(root, 'a', 'b', 'c');
    await Promise.all([makeFolder(folder), makeFolder(folder), makeFolder(path.join(root, 'a', 'x'))]);
    expect((await stat(folder)).isDirectory()).toBe(true);
    await makeFolder(folder);
  });

  it('rejects with the reason if a folder cannot be created', async () => {
    await writeFile(path.join(root, 'file'), '');
    await expect(makeFolder(path.join(root, 'file'))).rejects.toThrow('is not a folder');
    await expect(makeFolder(path.join(root, 'file', 'below'))).rejects.toThrow('ENOTDIR');
    await expect(makeFolder('/proc/none/below')).rejects.toThrow('ENOENT');
    await expect(makeFolder(path.join(root, 'x'.repeat(300)))).rejects.toThrow('ENAMETOOLONG');
    await expect(makeFolder(path.join(root, 'nul\0'))).rejects.toThrow();
  });
});
