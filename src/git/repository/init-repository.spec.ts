import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ensureRepository } from './init-repository.js';

describe('ensureRepository', () => {
  const { PATH: pathBefore = '' } = process.env;
  let root: string;
  let folder: string;

  beforeEach(async () => {
    root = await mkdtemp(path.join(os.tmpdir(), 'repository-'));
    folder = path.join(root, 'project');
    await mkdir(folder);
    // Wraps git and records each start.
    await mkdir(path.join(root, 'bin'));
    const git = path.join(root, 'bin/git');
    await writeFile(git, `#!/bin/sh\necho "$PWD" >> '${root}/starts'\nPATH='${pathBefore}' exec git "$@"\n`);
    await chmod(git, 0o755);
    process.env['PATH'] = `${root}/bin:${pathBefore}`;
  });
  afterEach(async () => {
    process.env['PATH'] = pathBefore;
    await rm(root, { recursive: true, force: true });
  });

  const starts = async (): Promise<string[]> =>
    (await readFile(path.join(root, 'starts'), 'utf8').catch(() => ''))
      .split('\n')
      .filter((line) => line !== '');
  const isRepository = (at: string): Promise<boolean> =>
    stat(path.join(at, '.git')).then(
      () => true,
      () => false,
    );

  it('does not create a repository at the target of a dangling link .git', async () => {
    const elsewhere = path.join(root, 'elsewhere');
    await symlink(elsewhere, path.join(folder, '.git'));
    await ensureRepository(folder);
    await expect(stat(elsewhere)).rejects.toThrow('ENOENT');
    expect(await starts()).toEqual([]);
  });

  it('runs git init once for concurrent calls, and not again', async () => {
    const other = path.join(root, 'other');
    await mkdir(other);
    await Promise.all([...Array(20).keys()].map((n) => ensureRepository(n % 5 === 0 ? other : folder)));
    expect(await Promise.all([folder, other].map(isRepository))).toEqual([true, true]);
    expect((await starts()).sort()).toEqual([other, folder].sort());
    await ensureRepository(folder);
    expect(await starts()).toHaveLength(2);
  });

  it('does nothing inside a repository', async () => {
    await ensureRepository(folder);
    const inside = path.join(folder, 'a/b');
    await mkdir(inside, { recursive: true });
    await ensureRepository(inside);
    expect([await isRepository(inside), await starts()]).toEqual([false, [folder]]);
  });

  it('does not fail without git', async () => {
    process.env['PATH'] = path.join(root, 'nothing');
    await ensureRepository(folder);
    expect(await isRepository(folder)).toBe(false);
  });
});
