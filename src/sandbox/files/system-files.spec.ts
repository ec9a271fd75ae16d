import { link, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { openSync, closeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ConfinedFiles, FileRefusal } from '../../files/index.js';
import { withSystemFiles } from './system-files.js';

describe('withSystemFiles', () => {
  let root: string;
  let files: ConfinedFiles;
  beforeEach(async () => {
    root = await realpath(await mkdtemp(path.join(os.tmpdir(), 'system-files-')));
    const key = path.join(root, 'key');
    await writeFile(key, 'KEY');
    const named = (file: string): string | undefined => (file === key ? 'it is a key.' : undefined);
    files = new ConfinedFiles(withSystemFiles({ refusal: named }, () => [key, path.join(root, 'none')]));
  });
  afterEach(() => rm(root, { recursive: true }));

  it('refuses what tells of the server in /proc', async () => {
    const names = ['environ', 'cmdline', 'maps', 'task', 'fd', 'root/proc/self/environ', '../1/environ'];
    for (const name of names) {
      await expect(files.kind(`/proc/self/${name}`)).rejects.toThrow(FileRefusal);
      await expect(files.open(`/proc/self/${name}`)).rejects.toThrow(FileRefusal);
    }
    await expect(files.kind('/proc/self/status')).rejects.toThrow('use the terminal');
    expect(await files.kind(`/proc/${process.pid}/none`)).toBe('missing');
    await expect(files.replace('/proc/none', 'x')).rejects.toThrow('ENOENT');
  });

  it('refuses open files of the server by their handles', async () => {
    const fd = openSync(path.join(root, 'key'), 'r');
    try {
      for (const name of [`/proc/self/fd/${fd}`, `/dev/fd/${fd}`, `/proc/${process.pid}/fd/${fd}`])
        await expect(files.open(name)).rejects.toThrow(FileRefusal);
    } finally {
      closeSync(fd);
    }
    // Standard output is no file of the file system, or one that the rules allow.
    await expect(files.open('/proc/self/fd/999999')).rejects.toThrow('ENOENT');
  });

  it('refuses a key by another name', async () => {
    await link(path.join(root, 'key'), path.join(root, 'innocent'));
    await writeFile(path.join(root, 'plain'), '');
    await link(path.join(root, 'plain'), path.join(root, 'plain-too'));
    await expect(files.open(path.join(root, 'innocent'))).rejects.toThrow('under another name');
    await (await files.open(path.join(root, 'plain'))).handle.close();
  });

  it('leaves devices and settings of the kernel to programs', async () => {
    for (const name of ['/sys/kernel/none', '/dev/none', '/dev/null'])
      await expect(files.replace(name, 'x')).rejects.toThrow(FileRefusal);
    expect(await files.kind('/sys')).toBe('directory');
    const shared = `/dev/shm/${path.basename(root)}`;
    await files.replace(shared, 'x');
    await files.remove(shared);
  });
});
