import { execFileSync } from 'node:child_process';
import { appendFile, chmod, cp, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ServerProcess } from '../support/server-process.js';
import { writeFiles } from '../support/write-files.js';

const ODD = [
  'sp ace.txt',
  'ünï.txt',
  'line\nbreak',
  '"quoted"',
  'tab\there',
  "it's",
  '-dash',
  'back\\slash',
  '日本.txt',
];
const byName = (a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : 1);

describe('changes, diffs and commits of repositories', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterAll(() => server.stop());
  const at = (name: string) => path.join(server.cwd, name);
  const git = (repository: string, ...args: string[]) =>
    execFileSync(
      'git',
      ['-c', 'user.name=A', '-c', 'user.email=a@x', '-c', 'init.defaultBranch=main', ...args],
      {
        cwd: at(repository),
        encoding: 'utf8',
        env: { PATH: process.env['PATH'], HOME: server.cwd, GIT_CONFIG_NOSYSTEM: '1' },
      },
    ).trim();
  const ask = async (route: string, query: Record<string, string>) => {
    const { status, body } = await server.request(
      'GET',
      `/api/git/${route}?${new URLSearchParams(query).toString()}`,
    );
    return [status, body];
  };
  const changes = async (repository: string, more: Record<string, string> = {}) =>
    (await ask('changes', { path: at(repository), ...more }))[1] as { status: string; path: string }[];

  async function make(name: string, files: Record<string, string>): Promise<void> {
    await mkdir(at(name), { recursive: true });
    git(name, 'init', '-q');
    await writeFiles(at(name), files);
    git(name, 'add', '--all');
    git(name, 'commit', '-qm', 'first');
  }

  it('shows changes of files with unusual names', async () => {
    await make('odd', Object.fromEntries(ODD.map((name) => [name, 'a\n'])));
    await writeFiles(
      at('odd'),
      Object.fromEntries(
        ODD.flatMap((name) => [
          [name, 'b\n'],
          [`new/${name}`, 'c\n'],
        ]),
      ),
    );
    const expected = ODD.flatMap((name) => [
      { status: 'UPDATED', path: name },
      { status: 'ADDED', path: `new/${name}` },
    ]);
    expect(await changes('odd')).toEqual(expected.sort(byName));
    for (const name of ODD) {
      expect(await ask('diff', { path: at(`odd/${name}`) })).toEqual([200, { modified: 'b', original: 'a' }]);
    }
    git('odd', 'add', '--all');
    git('odd', 'commit', '-qm', 'ünï\u00a0"subject"');
    const [, page] = await ask('commits', { path: at('odd'), limit: '1' });
    expect(page).toMatchObject({ commits: [{ subject: 'ünï\u00a0"subject"', author: 'A' }], has_more: true });
    const { sha } = newest(page);
    const [, changed] = await ask(`commits/${sha}/changes`, { path: at('odd') });
    expect((changed as { path: string }[]).sort(byName)).toEqual(expected);
  });

  it('compares a branch with its base', async () => {
    await make('base', { 'a.txt': 'one\n', 'mv.txt': 'mv\n', 'del.txt': 'del\n' });
    execFileSync('git', ['clone', '-q', at('base'), at('clone')]);
    git('clone', 'checkout', '-qb', 'feat');
    git('clone', 'mv', 'mv.txt', 'moved.txt');
    git('clone', 'commit', '-qam', 'feat: move');
    await rm(at('clone/del.txt'));
    await writeFiles(at('clone'), { 'a.txt': 'one\ntwo\n', 'u.txt': 'new\n', 'deep/x': '' });
    const uncommitted = [
      { status: 'UPDATED', path: 'a.txt' },
      { status: 'ADDED', path: 'deep/x' },
      { status: 'DELETED', path: 'del.txt' },
      { status: 'ADDED', path: 'u.txt' },
    ];
    expect(await changes('clone', { ref: 'HEAD' })).toEqual(uncommitted);
    const moved = [
      { status: 'ADDED', path: 'moved.txt' },
      { status: 'DELETED', path: 'mv.txt' },
    ];
    expect(await changes('clone')).toEqual([...uncommitted, ...moved].sort(byName));
    expect(await changes('clone/deep')).toEqual([{ status: 'ADDED', path: 'x' }]);
    // A repository one level below the folder is found.
    await mkdir(at('holder'));
    execFileSync('mv', [at('clone'), at('holder/clone')]);
    expect((await changes('holder')).map(({ path: name }) => name)).toContain('clone/moved.txt');
    expect(await ask('diff', { path: at('holder/clone/del.txt') })).toEqual([
      200,
      { modified: '', original: 'del' },
    ]);
    const [, commits] = await ask('commits', { path: at('holder/clone') });
    const { sha } = newest(commits);
    expect(await ask(`commits/${sha}/changes`, { path: at('holder/clone') })).toEqual([
      200,
      moved.toReversed(),
    ]);
    const diff = await ask('diff', { path: at('holder/clone/moved.txt'), commit: sha.slice(0, 8) });
    expect(diff).toEqual([200, { modified: 'mv', original: '' }]);
  });

  it('shows changes in worktrees, behind links and without a commit', async () => {
    await make('trunk', { f: '1\n' });
    git('trunk', 'worktree', 'add', '-q', at('tree'), '-b', 'side');
    await writeFiles(at('tree'), { f: '2\n' });
    expect(await changes('tree')).toEqual([{ status: 'UPDATED', path: 'f' }]);
    await symlink('tree', at('to-tree'));
    expect(await changes('to-tree')).toEqual([{ status: 'UPDATED', path: 'f' }]);
    await mkdir(at('empty'));
    git('empty', 'init', '-q');
    await writeFiles(at('empty'), { e: 'e\n' });
    expect(await changes('empty')).toEqual([{ status: 'ADDED', path: 'e' }]);
    expect((await ask('commits', { path: at('empty') }))[1]).toEqual({ commits: [], has_more: false });
  });

  it('shows changes in submodules and with a separate git directory', async () => {
    await make('part', { s: '1\n' });
    await make('whole', { w: '1\n' });
    git('whole', '-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', at('part'), 'sub');
    git('whole', 'commit', '-qam', 'submodule');
    await writeFiles(at('whole/sub'), { s: '2\n' });
    expect(await changes('whole/sub')).toEqual([{ status: 'UPDATED', path: 's' }]);
    await mkdir(at('apart'));
    git('apart', 'init', '-q', '--separate-git-dir', at('kept-elsewhere'));
    await writeFiles(at('apart'), { a: 'a\n' });
    expect(await changes('apart')).toEqual([{ status: 'ADDED', path: 'a' }]);
  });

  it('answers without changes outside a repository and rejects invalid requests', async () => {
    await make('plain-repo', { a: '1\n', big: 'x'.repeat(1_100_000) });
    await mkdir(at('no-repo'));
    await writeFile(at('no-repo/f'), 'x');
    const none = { path: at('no-repo') };
    expect(await ask('changes', none)).toEqual([200, []]);
    expect(await ask('changes', { path: at('missing') })).toEqual([200, []]);
    expect(await ask('commits/deadbeef/changes', none)).toEqual([200, []]);
    expect(await ask('diff', { path: at('no-repo/f') })).toEqual([200, { modified: null, original: null }]);
    const repo = { path: at('plain-repo') };
    const failed = (command: string) => [400, { detail: `Git command failed: git --no-pager ${command}` }];
    expect(await ask('changes', { ...repo, ref: 'nope' })).toEqual(
      failed("rev-parse --verify 'nope^{commit}'"),
    );
    expect((await ask('changes', { ...repo, ref: '--output=/tmp/x' }))[0]).toBe(400);
    expect((await ask('changes', { ...repo, ref: 'a\0b' }))[0]).toBe(400);
    expect((await ask('commits/deadbeef/changes', repo))[0]).toBe(400);
    expect((await ask('commits/abc/changes', repo))[0]).toBe(422);
    const file = { path: at('plain-repo/a') };
    expect((await ask('diff', { ...file, commit: '--x' }))[0]).toBe(422);
    expect(await ask('diff', { ...file, commit: 'deadbeef', ref: 'HEAD' })).toEqual([
      400,
      { detail: "'ref' and 'commit' are mutually exclusive" },
    ]);
    expect(await ask('diff', { path: at('plain-repo/never') })).toEqual([
      400,
      { detail: `File does not exist: ${at('plain-repo/never')}` },
    ]);
    expect((await ask('diff', { path: at('plain-repo/big') }))[1]).toEqual({
      detail: 'File too large for git diff: 1100000 bytes (max: 1048576 bytes)',
    });
    expect((await ask('diff', { path: at('plain-repo/.git/config') }))[0]).toBe(403);
  });

  it('refuses a repository whose index is not a regular file, without blocking', async () => {
    const traps: [string, (index: string) => unknown][] = [
      ['pipe', (index) => execFileSync('mkfifo', [index])],
      ['folder', (index) => mkdir(index)],
      ['device', (index) => symlink('/dev/zero', index)],
      // A sparse file: it takes no space, but a copy of it would fill the disk.
      ['huge', (index) => execFileSync('truncate', ['-s', '1T', index])],
    ];
    await make('indexed', { a: '1\n' });
    for (const [name, makeIndex] of traps) {
      await cp(at('indexed'), at(`index-${name}`), { recursive: true });
      await rm(at(`index-${name}/.git/index`));
      await makeIndex(at(`index-${name}/.git/index`));
    }
    // More requests than threads for files: if they blocked, no file could be read any more.
    const requested = traps.flatMap(([name]) => Array.from({ length: 4 }, () => `index-${name}`));
    const answers = await Promise.all(requested.map((name) => ask('changes', { path: at(name) })));
    expect(answers.map(([status]) => status)).toEqual(requested.map(() => 400));
    for (const format of ['git-delta', 'tar.gz']) {
      const query = new URLSearchParams({ path: at('index-pipe'), format }).toString();
      expect((await server.request('GET', `/api/file/archive?${query}`)).status).toBe(400);
    }
  });

  it('refuses a repository with a pipe or a device in place of a file that git reads', async () => {
    const places = ['config', 'packed-refs', 'HEAD', 'shallow', 'info/exclude', 'objects/info/alternates'];
    places.push('refs/heads/main', 'refs/remotes/origin/main');
    const files = [
      ...places.map((name) => `.git/${name}`),
      '.gitattributes',
      '.gitignore',
      'deep/.gitignore',
    ];
    const repositories = files.flatMap((file, number) =>
      ['pipe', 'device'].map((kind) => ({ file, kind, name: `instead-${number}-${kind}` })),
    );
    await make('usual', { a: '1\n', 'deep/b': '2\n' });
    for (const { file, kind, name } of repositories) {
      await cp(at('usual'), at(name), { recursive: true });
      await mkdir(path.dirname(at(`${name}/${file}`)), { recursive: true });
      await rm(at(`${name}/${file}`), { force: true });
      if (kind === 'pipe') execFileSync('mkfifo', [at(`${name}/${file}`)]);
      else await symlink('/dev/zero', at(`${name}/${file}`));
    }
    const answers = await Promise.all(
      repositories.map(({ name }) => ask('changes', { path: at(`${name}/deep`) })),
    );
    // Without HEAD the folder is not a repository.
    const expected = repositories.map(({ file }) => [file, file === '.git/HEAD' ? 200 : 400]);
    expect(answers.map(([status], number) => [repositories[number]?.file, status])).toEqual(expected);
  });

  it('reads a hostile repository without running its programs or writing to it', async () => {
    await make('hostile', { 'a.txt': 'one\n', 'b.bin': 'two\n' });
    await make('hostile-sub', { s: '1\n' });
    git('hostile', '-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', at('hostile-sub'), 'sub');
    git('hostile', 'commit', '-qam', 'submodule');
    const trap = at('trap.sh');
    await writeFile(trap, `#!/bin/sh\necho "$0 $*" >> ${at('trapped')}\ncat\n`);
    await chmod(trap, 0o755);
    const traps = [
      'core.fsmonitor',
      'core.pager',
      'diff.external',
      'core.sshCommand',
      'core.editor',
      'core.askPass',
    ];
    const more = ['diff.evil.command', 'diff.evil.textconv', 'filter.evil.clean', 'filter.evil.smudge'];
    const rest = ['filter.evil.process', 'gpg.program', 'credential.helper', 'pager.diff', 'pager.log'];
    const aliases = ['diff', 'status', 'log', 'ls-files', 'rev-parse'].map((name) => `alias.${name}`);
    await writeFile(at('hostile/.gitattributes'), '* filter=evil diff=evil\n');
    for (const place of ['hostile', 'hostile/sub']) {
      const config = [
        ...[...traps, ...more, ...rest].map((name) => [name, trap] as const),
        ...aliases.map((name) => [name, `!${trap}`] as const),
        ['log.showSignature', 'true'] as const,
        ['core.hooksPath', at('hooks')] as const,
        ['remote.origin.url', `ext::${trap}`] as const,
        ['remote.origin.promisor', 'true'] as const,
        ['extensions.partialClone', 'origin'] as const,
      ];
      const file = path.resolve(at(place), git(place, 'rev-parse', '--git-path', 'config'));
      await appendFile(file, config.map(([name, value]) => configLines(name, value)).join(''));
    }
    await mkdir(at('hooks'));
    for (const hook of ['post-index-change', 'pre-commit', 'post-checkout', 'reference-transaction']) {
      await symlink(trap, at(`hooks/${hook}`));
      await rm(at(`hostile/.git/hooks/${hook}`), { force: true });
      await symlink(trap, at(`hostile/.git/hooks/${hook}`));
    }
    await mkdir(at('hostile/.git/info'), { recursive: true });
    await writeFile(at('hostile/.git/info/attributes'), '* filter=evil diff=evil\n');
    await writeFiles(at('hostile'), { 'a.txt': 'changed\n', 'new.txt': 'n\n', 'sub/s': '2\n' });
    await rm(at('trapped'), { force: true });
    const before = execFileSync('find', [at('hostile/.git'), '-type', 'f', '-printf', '%p %s\n'], {
      encoding: 'utf8',
    });

    expect(await changes('hostile', { ref: 'HEAD' })).toEqual([
      { status: 'ADDED', path: '.gitattributes' },
      { status: 'UPDATED', path: 'a.txt' },
      { status: 'ADDED', path: 'new.txt' },
      { status: 'UPDATED', path: 'sub/s' },
    ]);
    expect((await changes('hostile')).length).toBeGreaterThan(3);
    expect(await ask('diff', { path: at('hostile/a.txt') })).toEqual([
      200,
      { modified: 'changed', original: 'one' },
    ]);
    const [, page] = await ask('commits', { path: at('hostile') });
    const { sha } = newest(page);
    expect((await ask(`commits/${sha}/changes`, { path: at('hostile') }))[0]).toBe(200);
    for (const format of ['git-delta', 'tar.gz']) {
      const query = new URLSearchParams({ path: at('hostile'), format }).toString();
      const answer = await fetch(`${server.url}/api/file/archive?${query}`);
      expect([answer.status, (await answer.arrayBuffer()).byteLength > 100]).toEqual([200, true]);
    }
    expect(await readdir(server.cwd)).not.toContain('trapped');
    const after = execFileSync('find', [at('hostile/.git'), '-type', 'f', '-printf', '%p %s\n'], {
      encoding: 'utf8',
    });
    expect(after).toBe(before);
    // The traps work: git itself runs them.
    git('hostile', '-c', 'core.pager=cat', 'diff', '--ext-diff');
    expect(await readdir(server.cwd)).toContain('trapped');
  });
});

/** A variable in the format of git's configuration files: a call of `git config` for each would be slow. */
function configLines(name: string, value: string): string {
  const [section, ...rest] = name.split('.');
  const key = rest.pop();
  const subsection = rest.length === 0 ? '' : ` "${rest.join('.')}"`;
  return `[${section}${subsection}]\n\t${key} = ${value}\n`;
}

/** The first commit of a page. */
function newest(page: unknown): { sha: string } {
  const [first] = (page as { commits: { sha: string }[] }).commits;
  if (!first) throw new Error('no commits');
  return first;
}
