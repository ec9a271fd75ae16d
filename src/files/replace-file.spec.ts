import { chmod, lstat, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { replaceFile } from './replace-file.js';

describe('replaceFile', () => {
  let root: string;
  let file: string;
  beforeEach(async () => {
    root = await mkdtemp(path.join(os.tmpdir(), 'replace-'));
    file = path.join(root, 'file');
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const modeOf = async (name: string) => (await stat(name)).mode & 0o777;

  it('keeps the permissions of the replaced file unless it is given others', async () => {
    await writeFile(file, 'old');
    await chmod(file, 0o640);
    await replaceFile(file, 'new');
    expect([await readFile(file, 'utf8'), await modeOf(file)]).toEqual(['new', 0o640]);
    await replaceFile(file, 'newer', { mode: 0o600, flush: 'content and name' });
    expect([await readFile(file, 'utf8'), await modeOf(file)]).toEqual(['newer', 0o600]);
    expect(await readdir(root)).toEqual(['file']);
  });

  it('replaces the target of a link, or the link itself', async () => {
    const link = path.join(root, 'link');
    await writeFile(file, 'old');
    await symlink(file, link);
    await replaceFile(link, 'through');
    expect([await readFile(file, 'utf8'), (await lstat(link)).isSymbolicLink()]).toEqual(['through', true]);
    await replaceFile(link, 'instead', { replacesLink: true });
    expect([await readFile(file, 'utf8'), (await lstat(link)).isSymbolicLink()]).toEqual(['through', false]);
  });

  it('writes content that comes in parts, whatever their size', async () => {
    const parts = ['a'.repeat(100_000), 'b', 'ü'.repeat(50_000)];
    await replaceFile(file, parts);
    expect(await readFile(file, 'utf8')).toBe(parts.join(''));
    await replaceFile(file, parts.join(''), { flush: 'content' });
    expect(await readFile(file, 'utf8')).toBe(parts.join(''));
  });

  it('leaves the old file and nothing else when the content or the last check fails', async () => {
    await writeFile(file, 'old');
    const broken = (function* () {
      yield 'half';
      throw new Error('no more');
    })();
    await expect(replaceFile(file, broken)).rejects.toThrow('no more');
    const refused = () => Promise.reject(new Error('not now'));
    await expect(replaceFile(file, 'new', { beforeRename: refused })).rejects.toThrow('not now');
    expect([await readFile(file, 'utf8'), await readdir(root)]).toEqual(['old', ['file']]);
  });

  it('refuses a new file whose temporary name is taken', async () => {
    const temporary = path.join(root, 'temporary');
    await writeFile(temporary, 'of somebody else');
    await expect(replaceFile(file, 'new', { temporary, isNew: true })).rejects.toThrow('EEXIST');
    expect(await readdir(root)).toEqual(['temporary']);
  });
});
