import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ServerProcess } from '../support/server-process.js';

const OUTSIDE = { detail: 'The repository has parts outside the folder that this server serves' };

describe('repositories of a server with a file root', () => {
  let folder: string;
  let server: ServerProcess;
  const at = (...names: string[]) => path.join(folder, ...names);
  const git = (where: string, ...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@x', ...args], {
      cwd: where,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], HOME: folder, GIT_CONFIG_NOSYSTEM: '1' },
    }).trim();
  const start = (fileRoot?: string) =>
    ServerProcess.start({
      env: {
        OH_CONVERSATION_WORKTREE_ROOT: at('trees'),
        ...(fileRoot !== undefined && { OH_FILE_ROOT: fileRoot }),
      },
    });
  const commits = (of: ServerProcess, where: string, prefix = '/api') =>
    of.request('GET', `${prefix}/git/commits?${new URLSearchParams({ path: where }).toString()}`);

  async function make(where: string): Promise<void> {
    await mkdir(where, { recursive: true });
    git(where, 'init', '-q', '-b', 'main');
    await writeFile(path.join(where, 'f'), where);
    git(where, 'add', '--all');
    git(where, 'commit', '-qm', `of ${path.basename(where)}`);
  }

  /** Makes repositories inside the root that show the commits of one outside. */
  async function makeTraps(): Promise<string[]> {
    const trap = async (name: string) => {
      await mkdir(at('root', name));
      return at('root', name, '.git');
    };
    await writeFile(await trap('pointed'), `gitdir: ${at('private', '.git')}\n`);
    await symlink(at('private', '.git'), await trap('linked'));
    const common = await trap('common');
    await mkdir(common);
    await writeFile(path.join(common, 'HEAD'), 'ref: refs/heads/main\n');
    await writeFile(path.join(common, 'commondir'), `${at('private', '.git')}\n`);
    const alternates = await trap('alternates');
    await cp(at('private', '.git'), alternates, { recursive: true });
    await rm(path.join(alternates, 'objects'), { recursive: true });
    await mkdir(path.join(alternates, 'objects', 'info'), { recursive: true });
    await writeFile(path.join(alternates, 'objects/info/alternates'), `${at('private', '.git/objects')}\n`);
    const objects = await trap('objects');
    await cp(at('private', '.git'), objects, { recursive: true });
    await rm(path.join(objects, 'objects'), { recursive: true });
    await symlink(at('private', '.git/objects'), path.join(objects, 'objects'));
    const packs = await trap('packs');
    git(at('private'), 'gc', '-q');
    await cp(at('private', '.git'), packs, { recursive: true });
    await rm(path.join(packs, 'objects/pack'), { recursive: true });
    await symlink(at('private', '.git/objects/pack'), path.join(packs, 'objects/pack'));
    return ['pointed', 'linked', 'common', 'alternates', 'objects', 'packs'];
  }

  beforeAll(async () => {
    folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'git-bounds-')));
    await mkdir(at('root'));
    await make(at('private'));
    await make(at('root', 'own'));
    server = await start(at('root'));
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('refuses a repository with parts outside the file root', async () => {
    const traps = await makeTraps();
    const { prefix } = await conversationIn(server, at('root'));
    for (const name of traps) {
      for (const where of ['/api', prefix]) {
        const answer = await commits(server, at('root', name), where);
        expect([name, answer.status, answer.body]).toEqual([name, 400, OUTSIDE]);
      }
      for (const format of ['git-delta', 'tar.gz']) {
        const query = new URLSearchParams({ path: at('root', name), format }).toString();
        expect((await server.request('GET', `/api/file/archive?${query}`)).status).toBe(400);
      }
    }
    // A server without a file root shows them: the traps work.
    const open = await start();
    for (const name of traps) {
      expect([name, (await commits(open, at('root', name))).body]).toEqual([
        name,
        expect.objectContaining({ commits: [expect.objectContaining({ subject: 'of private' })] }),
      ]);
    }
    await open.stop();
  });

  it('does not look for a repository above the file root', async () => {
    await mkdir(at('root', 'deep'));
    git(folder, 'init', '-q');
    git(folder, 'commit', '-qm', 'above', '--allow-empty');
    expect(git(at('root', 'deep'), 'log', '--format=%s')).toBe('above');
    const { body } = await commits(server, at('root', 'deep'));
    expect(body).toEqual({ commits: [], has_more: false });
    await rm(at('.git'), { recursive: true });
  });

  it('shows repositories with worktrees and alternates inside the file root', async () => {
    git(at('root', 'own'), 'worktree', 'add', '-q', at('root', 'own-tree'));
    git(at('root'), 'clone', '-q', '--shared', at('root', 'own'), at('root', 'shared'));
    for (const name of ['own', 'own-tree', 'shared']) {
      expect([name, (await commits(server, at('root', name))).body]).toMatchObject([
        name,
        { commits: [{ subject: 'of own' }] },
      ]);
    }
  });

  it('shows a worktree of the server, and refuses it when it points to another repository', async () => {
    // The first repository is inside the root, the second is not.
    for (const [workspace, subject] of [
      [at('root', 'own'), 'of own'],
      [at('private'), 'of private'],
    ] as const) {
      const { prefix, workingDir } = await conversationIn(server, workspace, { worktree: true });
      expect(workingDir.startsWith(at('trees'))).toBe(true);
      const { status, body } = await commits(server, workingDir, prefix);
      expect([status, body]).toMatchObject([200, { commits: [{ subject }] }]);
      const entry = path.join(workingDir, '.git');
      const before = await readFile(entry, 'utf8');
      await writeFile(entry, `gitdir: ${at('private', '.git')}\n`);
      expect(await commits(server, workingDir, prefix)).toMatchObject({ status: 400, body: OUTSIDE });
      await writeFile(entry, before);
    }
  });
});

async function conversationIn(server: ServerProcess, workspace: string, more: object = {}) {
  const { status, body } = await server.request('POST', '/api/conversations', {
    agent: { llm: { model: 'scripted/test' }, tools: [] },
    workspace: { working_dir: workspace },
    ...more,
  });
  expect(status).toBe(201);
  const { id, workspace: made } = body as { id: string; workspace: { working_dir: string } };
  return { prefix: `/api/conversations/${id}`, workingDir: made.working_dir };
}
