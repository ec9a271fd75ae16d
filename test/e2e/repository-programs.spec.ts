import { appendFile, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { commitAll, runGit, skillText, writeFiles } from '../support/extension-files.js';
import { Traps } from '../support/poisoned-repository.js';
import { ServerProcess } from '../support/server-process.js';

describe('programs that repositories configure', () => {
  let folder: string;
  let server: ServerProcess;
  let traps: Traps;
  const at = (...names: string[]) => path.join(folder, ...names);

  async function make(name: string): Promise<void> {
    await writeFiles(at(name), {
      'a.txt': 'one\n',
      'large.lfs': 'content\n',
      'AGENTS.md': `rules of ${name}\n`,
      'below/AGENTS.md': 'rules of below\n',
      '.agents/skills/known/SKILL.md': skillText('known', 'text'),
      '.gitattributes': '* filter=evil diff=evil merge=evil\n',
      '.plugin/plugin.json': JSON.stringify({ name: 'plug' }),
      'skills/plugged/SKILL.md': skillText('plugged', 'text'),
    });
    await commitAll(at(name));
  }

  beforeAll(async () => {
    folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'programs-')));
    traps = new Traps(at('traps'));
    await traps.make();
    server = await ServerProcess.start({
      env: {
        HOME: at('home'),
        OH_CONVERSATION_WORKTREE_ROOT: at('trees'),
        OH_PERSISTENCE_DIR: at('persistence'),
      },
    });
    for (const name of ['part', 'main']) await make(name);
    const submodule = ['-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', at('part'), 'sub'];
    await runGit(at('main'), ...submodule);
    await runGit(at('main'), 'commit', '-qam', 'submodule');
    await runGit(at('main'), 'worktree', 'add', '-q', at('tree'));
    await make('main/nested');
    await make('main/new/inner');
    await runGit(at('main'), 'config', 'extensions.worktreeConfig', 'true');
    await traps.poison(at('main'), at('main/.git'));
    await traps.poison(at('main/nested'), at('main/nested/.git'));
    await traps.poison(at('main/new/inner'), at('main/new/inner/.git'));
    await traps.poison(at('main/sub'), at('main/.git/modules/sub'));
    await traps.poison(at('tree'), at('main/.git/worktrees/tree'));
    for (const repository of ['main', 'main/nested', 'main/new/inner', 'main/sub', 'tree']) {
      await appendFile(at(repository, 'a.txt'), 'two\n');
      await writeFile(at(repository, 'untracked.txt'), 'new\n');
      await writeFile(at(repository, 'large.lfs'), 'another content\n');
    }
    await traps.reset();
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const REPOSITORIES = ['main', 'main/nested', 'main/new/inner', 'main/sub', 'tree', 'main/below'];
  const get = async (route: string, query: Record<string, string>) => {
    const answer = await fetch(`${server.url}${route}?${new URLSearchParams(query).toString()}`);
    return { status: answer.status, text: Buffer.from(await answer.arrayBuffer()).toString('latin1') };
  };

  it('runs no configured program for git and archive routes of the machine and of a conversation', async () => {
    const conversation = await ConversationClient.create(server, scriptedRequest(at('main'), 'SAY: hi'));
    await conversation.reaches('finished');
    const requests = [
      ...REPOSITORIES.map((repository) => ['/api', repository] as const),
      [conversation.route, 'main'] as const,
    ];
    for (const [prefix, repository] of requests) {
      const where = { path: at(repository) };
      const answers = async (query: Record<string, string>, route: string) => {
        const { status, text } = await get(prefix + route, query);
        expect([prefix, route, query, status]).toEqual([prefix, route, query, 200]);
        return text;
      };
      await answers(where, '/git/changes');
      await answers({ ...where, ref: 'HEAD' }, '/git/changes');
      const commits = await answers(where, '/git/commits');
      const [newest] = (JSON.parse(commits) as { commits: { sha: string }[] }).commits;
      const sha = newest?.sha ?? '';
      await answers(where, `/git/commits/${sha}/changes`);
      await answers({ path: at(repository, 'AGENTS.md') }, '/git/diff');
      await answers({ path: at(repository, 'AGENTS.md'), commit: sha }, '/git/diff');
      await answers({ ...where, format: 'git-delta' }, '/file/archive');
      await answers({ ...where, format: 'git-delta', base_ref: 'HEAD' }, '/file/archive');
      await answers({ ...where, format: 'tar.gz' }, '/file/archive');
    }
    expect(await traps.sprung()).toEqual([]);
  });

  it('runs no configured program for worktrees, for the context of agents or when conversations end', async () => {
    for (const repository of ['main', 'tree', 'main/sub', 'main/nested']) {
      for (const base of ['head', 'default_branch']) {
        const conversation = await ConversationClient.create(
          server,
          scriptedRequest(at(repository), 'SAY: hi', {
            worktree: true,
            worktree_options: { base },
            agent: {
              llm: { model: 'scripted/test', usage_id: 'agent' },
              agent_context: { load_project_skills: true, load_memory: true },
              critic: { kind: 'EmptyPatchCritic' },
            },
          }),
        );
        await conversation.reaches('finished');
        const { working_dir } = (await conversation.info())['workspace'] as { working_dir: string };
        expect(working_dir.startsWith(at('trees'))).toBe(true);
        // The files are as the commit stores them.
        expect(await readFile(path.join(working_dir, 'a.txt'), 'utf8')).toBe('one\n');
        expect((await get('/api/git/changes', { path: working_dir })).status).toBe(200);
        expect((await server.request('DELETE', conversation.route)).status).toBe(200);
      }
    }
    for (const [route, body] of [
      ['/api/skills', { load_project: true, load_user: false, load_public: false, project_dir: at('main') }],
      ['/api/hooks', { project_dir: at('main') }],
      ['/api/sub-agents', { project_dir: at('main') }],
      ['/api/plugins', { load_project: true, load_user: false, project_dir: at('main') }],
    ] as const) {
      expect([route, (await server.request('POST', route, body)).status]).toEqual([route, 200]);
    }
    expect(await traps.sprung()).toEqual([]);
  });

  it('runs no configured program when extensions are fetched or installed from the repository', async () => {
    const source = `file://${at('main')}`;
    const requests = [
      ['/api/plugins/fetch', { source }],
      ['/api/plugins/install', { source }],
      ['/api/skills/install', { source, repo_path: 'skills/plugged' }],
      ['/api/plugins/install', { source: at('main/nested'), force: true }],
    ] as const;
    for (const [route, body] of requests) {
      expect([route, (await server.request('POST', route, body)).status]).toEqual([route, 200]);
    }
    expect(await traps.sprung()).toEqual([]);
  });

  it('sees git itself run the configured programs, so that the traps are known to work', async () => {
    const springs = async (...args: string[]) => {
      await traps.reset();
      await runGit(at('main'), '-c', 'core.pager=cat', ...args).catch(() => undefined);
      return traps.sprung();
    };
    expect(await springs('status')).toEqual(expect.arrayContaining(['included-core.fsmonitor']));
    expect(await springs('diff', '--ext-diff')).toEqual(
      expect.arrayContaining(['included-filter.evil.process']),
    );
    expect((await springs('worktree', 'add', at('sprung-tree'))).length).toBeGreaterThan(0);
  });

  it('runs a filter of the configuration of the operator that they have allowed, and no other', async () => {
    await make('tracked');
    await writeFile(at('tracked/.gitattributes'), '*.lfs filter=lfs\n*.txt filter=other\n');
    await commitAll(at('tracked'));
    await mkdir(at('operator'));
    const shout = `sh -c 'tr a-z A-Z'`;
    for (const [name, value] of [
      ['filter.lfs.smudge', shout],
      ['filter.lfs.required', 'true'],
      ['filter.other.smudge', await traps.program('operator-other')],
    ] as const) {
      await runGit(folder, 'config', '--file', at('operator/.gitconfig'), name, value);
    }
    // What the repository configures for the same filter is ignored.
    await runGit(at('tracked'), 'config', 'filter.lfs.smudge', await traps.program('own-lfs'));
    await traps.reset();
    const filesWith = async (env: Record<string, string>): Promise<string[]> => {
      const other = await ServerProcess.start({
        env: { HOME: at('operator'), OH_CONVERSATION_WORKTREE_ROOT: at('operator/trees'), ...env },
      });
      try {
        const request = scriptedRequest(at('tracked'), undefined, { worktree: true });
        const conversation = await ConversationClient.create(other, request);
        const { working_dir } = (await conversation.info())['workspace'] as { working_dir: string };
        const read = (name: string) => readFile(path.join(working_dir, name), 'utf8');
        expect(await runGit(working_dir, 'branch', '--show-current')).toMatch(/^openhands\//);
        return await Promise.all(['large.lfs', 'a.txt'].map(read));
      } finally {
        await other.stop();
      }
    };
    expect(await filesWith({})).toEqual(['content\n', 'one\n']);
    expect(await filesWith({ OH_GIT_FILTERS: '["lfs"]' })).toEqual(['CONTENT\n', 'one\n']);
    expect(await traps.sprung()).toEqual([]);
  });
});
