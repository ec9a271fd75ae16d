import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ServerProcess } from '../support/server-process.js';
import { writeFiles } from '../support/write-files.js';

describe('archives of folders', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterAll(() => server.stop());
  const at = (name: string) => path.join(server.cwd, name);
  const fetchArchive = async (query: Record<string, string>, excludes: string[] = []) => {
    const search = new URLSearchParams(query);
    for (const exclude of excludes) search.append('exclude', exclude);
    const answer = await fetch(`${server.url}/api/file/archive?${search.toString()}`);
    return { answer, bytes: Buffer.from(await answer.arrayBuffer()) };
  };
  async function unpack(query: Record<string, string>, excludes: string[] = []): Promise<string[]> {
    const { answer, bytes } = await fetchArchive({ format: 'tar.gz', ...query }, excludes);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/gzip']);
    await writeFile(at('out.tar.gz'), bytes);
    await rm(at('out'), { recursive: true, force: true });
    await mkdir(at('out'));
    // The `tar` of the system, not the library that wrote it.
    execFileSync('tar', ['xzf', at('out.tar.gz'), '-C', at('out')]);
    return execFileSync('find', ['.', '-mindepth', '1', '-printf', '%P\\0'], {
      cwd: at('out'),
      encoding: 'utf8',
    })
      .split('\0')
      .filter((name) => name !== '')
      .sort();
  }

  it('archives plain files and folders whatever their names, and follows no link', async () => {
    const long = `${'d'.repeat(120)}/${'f'.repeat(150)}`;
    const names = ['a.txt', 'sp ace', 'ünï.txt', 'new\nline', '..trick', '-rf', long];
    await writeFiles(at('odd'), Object.fromEntries(names.map((name) => [name, name])));
    await mkdir(at('odd/empty'));
    await chmod(at('odd/a.txt'), 0o4755);
    await symlink('/etc/passwd', at('odd/link'));
    await symlink('/etc', at('odd/folder-link'));
    execFileSync('mkfifo', [at('odd/pipe')]);
    const entries = await unpack({ path: at('odd') });
    expect(entries).toEqual(
      [
        'odd',
        'odd/empty',
        `odd/${'d'.repeat(120)}`,
        'odd/archive_manifest.json',
        ...names.map((name) => `odd/${name}`),
      ].sort(),
    );
    expect(await readFile(at(`out/odd/${long}`), 'utf8')).toBe(long);
    const mode = execFileSync('tar', ['tvzf', at('out.tar.gz'), 'odd/a.txt'], { encoding: 'utf8' });
    expect(mode).toMatch(/^-rwxr-xr-x 0\/0/);
    expect(JSON.parse(await readFile(at('out/odd/archive_manifest.json'), 'utf8'))).toMatchObject({
      format: 'tar.gz',
      source: 'odd',
      file_count: names.length,
    });
  });

  it('leaves out files below paths that are too long, which uploads cannot create', async () => {
    await writeFiles(at('deep'), { 'a.txt': 'a' });
    execFileSync(
      'sh',
      ['-c', 'i=0; while [ $i -lt 25 ]; do mkdir $0; cd -P $0; i=$((i+1)); done', 'd'.repeat(200)],
      {
        cwd: at('deep'),
      },
    );
    const entries = await unpack({ path: at('deep') });
    // Node cannot remove a tree this deep.
    execFileSync('rm', ['-rf', at('deep'), at('out')]);
    expect(entries).toContain('deep/a.txt');
    expect(entries).toContain('deep/archive_manifest.json');
    const file = path.join(at('uploaded'), 'd/'.repeat(2500), 'f');
    const form = new FormData();
    form.set('file', new Blob(['x']));
    const route = `${server.url}/api/file/upload?${new URLSearchParams({ path: file }).toString()}`;
    const answer = await fetch(route, { method: 'POST', body: form });
    expect([answer.status, await answer.json()]).toEqual([
      400,
      { detail: 'Path cannot be used: ENAMETOOLONG' },
    ]);
    expect(await readdir(server.cwd)).not.toContain('uploaded');
  });

  it('leaves out excluded files, and always the credentials of git', async () => {
    await writeFiles(at('full'), {
      'keep.txt': '',
      build: 'a file of that name',
      'sub/dist/x': '',
      'node_modules/x': '',
      'secrets/prod/k': '',
      'a/secrets/prod': '',
      'x.pyc': '',
      '.git/config': 'token',
      '.git/logs/HEAD': 'token',
      '.git/modules/m/config': 'token',
      '.git/modules/m/HEAD': 'ref',
      '.git/FETCH_HEAD': 'token',
      '.git-credentials': 'token',
    });
    expect(await unpack({ path: at('full') }, ['secrets/prod'])).toEqual(
      [
        'full',
        'full/a',
        'full/a/secrets',
        'full/a/secrets/prod',
        'full/archive_manifest.json',
        'full/build',
        'full/keep.txt',
      ].concat(['full/secrets', 'full/sub']),
    );
    const everything = await unpack({ path: at('full'), use_default_excludes: 'false' }, ['*a'.repeat(200)]);
    expect(everything).toContain('full/.git/modules/m/HEAD');
    expect(everything).toContain('full/node_modules/x');
    const texts = execFileSync('grep', ['-rlc', 'token', at('full')], { encoding: 'utf8' });
    expect(texts).not.toBe('');
    expect(() => execFileSync('grep', ['-rl', 'token', at('out')])).toThrow();
    expect((await fetchArchive({ path: at('full') }, ['x'.repeat(501)])).answer.status).toBe(400);
  });

  it('creates a patch from a base commit to the current files', async () => {
    await writeFiles(at('repo'), {
      'a.txt': 'one\n',
      'mv.txt': 'mv\n',
      'build/o': 'o\n',
      'kept/_netrc': 'old',
    });
    const git = (name: string, ...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@x', ...args], {
        cwd: at(name),
        encoding: 'utf8',
      });
    git('repo', 'init', '-q');
    git('repo', 'add', '--all', '--force');
    git('repo', 'commit', '-qm', 'base');
    git('repo', 'remote', 'add', 'origin', 'https://name:pass-word@example.com/r.git');
    git('.', 'clone', '-q', 'repo', 'fresh');
    await writeFiles(at('repo'), {
      'a.txt': 'one\ntwo\n',
      'ünï.bin': '\0\x01\x02',
      'sp ace': 'x\n',
      'build/o': 'changed\n',
      'dist/left-out': '',
      ...{ '.git-credentials': 'pass-word', 'sub/.Netrc': 'pass-word', 'kept/_netrc': 'new pass-word' },
    });
    await rm(at('repo/mv.txt'));
    await mkdir(at('repo/nested'));
    git('repo/nested', 'init', '-q');
    await writeFiles(at('repo'), { 'nested/n': 'n' });
    const { answer, bytes } = await fetchArchive({ path: at('repo'), base_ref: 'HEAD' }, [
      ...['/etc', '../../*', './a.txt', 'a//b', ':(top)a.txt', '\0', '!(a)'],
    ]);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/x-patch; charset=utf-8']);
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="repo.patch"');
    expect(answer.headers.get('x-archive-repo-remote')).not.toContain('pass-word');
    expect(answer.headers.get('x-archive-base-ref')).toBe('HEAD');
    expect(answer.headers.get('x-archive-base-commit')).toBe(git('repo', 'rev-parse', 'HEAD').trim());
    expect(bytes.toString()).not.toContain('pass-word');
    await writeFile(at('patch'), bytes);
    git('fresh', 'apply', at('patch'));
    const status = git('fresh', '-c', 'core.quotePath=false', 'status', '--porcelain', '-z')
      .split('\0')
      .sort();
    expect(status).toEqual(['', ' D mv.txt', ' M a.txt', '?? sp ace', '?? ünï.bin']);
    expect(git('repo', 'status', '--porcelain')).toContain('?? "sp ace"');
    expect((await fetchArchive({ path: at('repo'), base_ref: 'nope' })).bytes.toString()).toContain(
      "'nope' could not be",
    );
    expect((await fetchArchive({ path: at('repo'), base_ref: '--output=/tmp/x' })).answer.status).toBe(400);
    expect((await fetchArchive({ path: at('odd') })).bytes.toString()).toContain('Not a git repository');
    expect((await fetchArchive({ path: 'rel' })).answer.status).toBe(400);
    expect((await fetchArchive({ path: at('none') })).answer.status).toBe(404);
    expect((await fetchArchive({ path: at('repo/a.txt') })).answer.status).toBe(400);
    expect((await fetchArchive({ path: at('repo'), format: 'zip' })).answer.status).toBe(422);
  });

  it('lists nested repositories by their commits as git does, without reading them', async () => {
    await writeFiles(at('outer'), { 'a.txt': 'a\n', 'deep/b.txt': 'b\n' });
    const git = (name: string, ...args: string[]) =>
      execFileSync(
        'git',
        ['-c', 'user.name=A', '-c', 'user.email=a@x', '-c', 'protocol.file.allow=always', ...args],
        { cwd: at(name), encoding: 'utf8' },
      );
    // The message differs, or commits of the same second would be identical and count as renamed.
    const commit = (name: string) => git(name, 'commit', '-q', '--allow-empty', '-m', name);
    for (const name of ['outer', 'part']) {
      await mkdir(at(name), { recursive: true });
      git(name, 'init', '-q');
    }
    commit('part');
    for (const name of ['same', 'moved', 'deep/gone', 'file', 'plain', 'empty', 'od,d "ñ"']) {
      git('outer', 'submodule', '--quiet', 'add', '-q', at('part'), name);
    }
    git('outer', 'add', '--all');
    commit('outer');
    for (const name of ['deep/gone', 'file', 'plain/.git', 'empty'])
      await rm(at(`outer/${name}`), { recursive: true });
    await writeFiles(at('outer'), {
      file: 'a file now\n',
      'plain/f': 'f\n',
      'same/dirty': 'x\n',
      'c.txt': 'c\n',
    });
    await mkdir(at('outer/empty'));
    for (const name of ['moved', 'od,d "ñ"']) commit(`outer/${name}`);
    // Two, because with only one the archive would be of that repository.
    for (const name of ['outer/deep/new', 'outer/deep/other']) {
      await mkdir(at(name));
      git(name, 'init', '-q');
      commit(name);
    }
    const patchOf = async (name: string) =>
      (await fetchArchive({ path: at(name), base_ref: 'HEAD' })).bytes.toString();
    const whole = await patchOf('outer');
    const below = await patchOf('outer/deep');
    git('outer', 'add', '--all', '--no-warn-embedded-repo');
    const diff = ['diff', '--binary', '--cached', '--ignore-submodules=none', 'HEAD', '--'];
    expect(whole).toBe(git('outer', '-c', 'core.quotePath=false', ...diff));
    expect(below).toBe(git('outer', '-c', 'core.quotePath=false', ...diff, 'deep'));
    expect(whole.match(/Subproject commit/g)).toHaveLength(8);
  });

  it('names the remote of a repository without passwords and tokens', async () => {
    await writeFiles(at('remote'), { a: 'a' });
    execFileSync('git', ['init', '-q'], { cwd: at('remote') });
    const remoteOf = async (address: string) => {
      execFileSync('git', ['config', 'remote.origin.url', address], { cwd: at('remote') });
      const { answer } = await fetchArchive({ path: at('remote'), format: 'tar.gz' });
      return decodeURIComponent(answer.headers.get('x-archive-repo-remote') ?? '');
    };
    expect(await remoteOf('https://u:pw@h/o?access_token=SECRET&x=1#f')).toBe(
      'https://****@h/o?access_token=%3Credacted%3E&x=1#f',
    );
    expect(await remoteOf('ssh://git:pw@h/o')).toBe('ssh://****@h/o');
    expect(await remoteOf('git@h:o')).toBe('git@h:o');
  });
});
