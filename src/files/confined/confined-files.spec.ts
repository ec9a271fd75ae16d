import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { isInside } from '../is-inside.js';
import { ConfinedFiles } from './confined-files.js';
import { FileRefusal, insideOnly, type FileRules } from './file-rules.js';

let root: string;
let workspace: string;
let hidden: string;
let files: ConfinedFiles;

beforeEach(async () => {
  root = await realpath(await mkdtemp(path.join(os.tmpdir(), 'confined-')));
  workspace = path.join(root, 'workspace');
  hidden = path.join(root, 'hidden');
  await mkdir(workspace);
  await mkdir(hidden);
  await writeFile(path.join(hidden, 'secret'), 'SECRET');
  await writeFile(path.join(workspace, 'note'), 'note');
  const rules: FileRules = {
    refusal: (file) => (isInside(hidden, file) ? 'it belongs to the server.' : undefined),
  };
  files = new ConfinedFiles(rules);
});
afterEach(() => rm(root, { recursive: true }));

const at = (...names: string[]): string => path.join(workspace, ...names);
const refusal = expect.any(FileRefusal) as FileRefusal;
const failed = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => error,
  );

async function textOf(file: string, from = files): Promise<string> {
  const { handle } = await from.open(file);
  try {
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

describe('ConfinedFiles', () => {
  it('reads, lists, replaces, creates and removes what the rules allow', async () => {
    expect(await textOf(at('note'))).toBe('note');
    await files.replace(at('note'), 'other');
    await files.makeFolder(at('a', 'b'));
    await files.replace(at('a', 'b', 'c'), 'new');
    await files.setMode(at('a', 'b', 'c'), 0o640);
    expect((await files.stat(at('a', 'b', 'c'))).mode & 0o777).toBe(0o640);
    expect((await files.entries(at('a', 'b'))).map(({ name }) => name)).toEqual(['c']);
    await files.remove(at('a', 'b', 'c'));
    await files.remove(at('a', 'b', 'c'));
    expect(await readdir(at('a', 'b'))).toEqual([]);
    expect(await files.kind(at('a'))).toBe('directory');
    expect(await files.kind(at('none'))).toBe('missing');
    expect(await readFile(at('note'), 'utf8')).toBe('other');
  });

  it('refuses a hidden file by all of its names, and says why', async () => {
    await symlink(hidden, at('folder'));
    await symlink(path.join(hidden, 'secret'), at('file'));
    await symlink('folder', at('twice'));
    const names = [
      path.join(hidden, 'secret'),
      at('folder', 'secret'),
      at('file'),
      at('twice', 'secret'),
      `${at('folder')}/../hidden/secret`,
      `/proc/self/root${hidden}/secret`,
    ];
    for (const name of names) {
      expect(await failed(textOf(name))).toEqual(refusal);
      expect(await failed(files.kind(name))).toEqual(refusal);
      expect(await failed(files.replace(name, 'x'))).toEqual(refusal);
    }
    expect(await failed(textOf(at('file')))).toHaveProperty(
      'message',
      `${at('file')} may not be read: it belongs to the server.`,
    );
    for (const name of [hidden, at('folder'), at('twice')])
      expect(await failed(files.entries(name))).toEqual(refusal);
    expect(await failed(files.makeFolder(at('folder', 'new', 'er')))).toEqual(refusal);
    expect(await failed(files.remove(at('folder', 'secret')))).toEqual(refusal);
    expect(await failed(files.setMode(at('file'), 0o777))).toEqual(refusal);
    expect(await readdir(hidden)).toEqual(['secret']);
    expect(await readFile(path.join(hidden, 'secret'), 'utf8')).toBe('SECRET');
  });

  it('does not tell what exists in a hidden folder', async () => {
    await symlink(hidden, at('folder'));
    await symlink(path.join(hidden, 'none'), at('dangling'));
    const names = [
      path.join(hidden, 'none'),
      at('folder', 'none'),
      at('folder', 'none', 'below'),
      at('dangling'),
    ];
    for (const name of names) expect(await failed(files.kind(name))).toEqual(refusal);
    // The link itself is in the workspace, and becomes the file.
    await files.replace(at('dangling'), 'x').catch(() => undefined);
    expect(await readdir(hidden)).toEqual(['secret']);
  });

  it('follows links to what is allowed, and replaces their target', async () => {
    await mkdir(at('real'));
    await writeFile(at('real', 'file'), 'old');
    await symlink('real', at('folder'));
    await symlink(at('folder', 'file'), at('link'));
    await files.replace(at('link'), 'new');
    expect(await readFile(at('real', 'file'), 'utf8')).toBe('new');
    expect((await lstat(at('link'))).isSymbolicLink()).toBe(true);
    await files.remove(at('link'));
    expect(await readdir(at('real'))).toEqual(['file']);
  });

  it('changes no other name of a file', async () => {
    await link(at('note'), path.join(root, 'other-name'));
    await files.replace(at('note'), 'changed');
    expect(await readFile(path.join(root, 'other-name'), 'utf8')).toBe('note');
  });

  it('opens neither pipes nor devices', async () => {
    spawnSync('mkfifo', [at('pipe')]);
    for (const name of [at('pipe'), '/dev/zero', '/dev/ptmx', '/dev/tty'])
      await expect(textOf(name)).rejects.toThrow('not a plain file');
    await expect(textOf(workspace)).rejects.toThrow('EISDIR');
    expect(await files.kind(at('pipe'))).toBe('other');
  });

  it('names real paths in errors of the system', async () => {
    await expect(files.replace(at('none', 'file'), 'x')).rejects.toThrow('ENOENT');
    await expect(files.makeFolder(at('note', 'below'))).rejects.toThrow('ENOTDIR');
    await writeFile(at('folder'), '');
    const error = await failed(files.makeFolder('/proc/none/below'));
    expect(String(error)).not.toContain('/proc/self/fd');
  });

  it('stays inside of a folder, whatever `..` and links say', async () => {
    const inside = new ConfinedFiles(insideOnly(workspace));
    await symlink(root, at('up'));
    await mkdir(at('deep'));
    await symlink(at('deep'), at('link'));
    for (const name of [`${workspace}/../hidden/secret`, at('up', 'hidden', 'secret'), '/etc/passwd'])
      expect(await failed(textOf(name, inside))).toEqual(refusal);
    // `..` behind a link is the parent of its target.
    expect(await textOf(`${at('link')}/../note`, inside)).toBe('note');
  });
});

describe('ConfinedFiles while a program replaces parts of the path', () => {
  /** Replaces `name` by links to two folders in turn, as fast as it can, until it is killed. */
  async function swap(name: string, ...targets: string[]): Promise<ChildProcess> {
    const script = `
      const fs = require('node:fs');
      const [name, ...targets] = process.argv.slice(1);
      targets.forEach((target, index) => fs.symlinkSync(target, name + index));
      console.log('ready');
      for (;;) targets.forEach((target, index) => {
        fs.symlinkSync(target, name + '.next');
        fs.renameSync(name + '.next', name);
      });`;
    const child = spawn(process.execPath, ['-e', script, name, ...targets], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    return child;
  }

  /** Does work until it has been both done and refused, and at least 300 times. */
  async function untilBoth(work: () => Promise<unknown>): Promise<void> {
    const seen = new Set<string>();
    const end = performance.now() + 20_000;
    for (let round = 0; (round < 300 || seen.size < 2) && performance.now() < end; round += 1) {
      const result = await failed(work());
      if (result instanceof FileRefusal) seen.add('refused');
      else if (result === 'done') seen.add('done');
    }
    expect([...seen].sort()).toEqual(['done', 'refused']);
  }

  async function during(child: ChildProcess, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } finally {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
  }

  it('never reads a hidden file', async () => {
    await mkdir(at('mine'));
    await writeFile(at('mine', 'secret'), 'mine');
    await during(await swap(at('link'), hidden, at('mine')), () =>
      untilBoth(async () => {
        expect(await textOf(at('link', 'secret'))).toBe('mine');
      }),
    );
  });

  it('never lists, writes or removes in a hidden folder', async () => {
    await mkdir(at('mine'));
    await during(await swap(at('link'), hidden, at('mine')), async () => {
      await untilBoth(() => files.replace(at('link', 'new'), 'x'));
      await untilBoth(() => files.makeFolder(at('link', 'folder', 'below')));
      await untilBoth(() => files.remove(at('link', 'secret')));
      await untilBoth(async () => {
        expect((await files.entries(at('link'))).map(({ name }) => name)).not.toContain('secret');
      });
    });
    expect(await readdir(hidden)).toEqual(['secret']);
    expect((await stat(path.join(hidden, 'secret'))).size).toBe(6);
  });
});
