import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { describeWithBubblewrap } from '../support/sandbox.js';
import { ServerProcess } from '../support/server-process.js';

const GIT = ['-c', 'user.name=x', '-c', 'user.email=x@example.org'];

describeWithBubblewrap('the folders of a conversation in the sandbox "workspace"', () => {
  let folder = '';
  let server: ServerProcess;
  const at = (...names: string[]): string => path.join(folder, ...names);

  beforeAll(async () => {
    // Not below /tmp, which is another folder there.
    folder = await mkdtemp(path.join(os.homedir(), '.sandbox-test-'));
    for (const name of ['server', 'work']) await mkdir(at(name));
    const env = { OH_SANDBOX: 'workspace', OH_CONVERSATION_WORKTREE_ROOT: at('trees') };
    server = await ServerProcess.start({ cwd: at('server'), env });
    await mkdir(path.join(server.cwd, 'persistence'), { recursive: true });
    await writeFile(path.join(server.cwd, 'persistence/settings.json'), '{"marker-of-settings": 1}');
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  const run = async (workspace: string, script: string, more: Record<string, unknown> = {}) => {
    const conversation = await ConversationClient.create(
      server,
      scriptedRequest(workspace, `${script}\nFINISH: done`, more),
    );
    await conversation.reaches('finished');
    return JSON.stringify(await conversation.events());
  };

  it('are not those of the server, even if a client names them', async () => {
    const ofContainers = ['persistence/runtime-control', 'workspace/.openhands/runtime-control'];
    for (const name of ['persistence', 'workspace/conversations', 'persistence/profiles', ...ofContainers]) {
      await mkdir(path.join(server.cwd, name), { recursive: true });
      const seen = await run(
        path.join(server.cwd, name),
        `RUN: cat ../*/*.json; ls -a ${server.cwd}/persistence ${server.cwd}/workspace/conversations/*; touch made`,
      );
      expect(seen).not.toMatch(/marker-of-settings|metadata\.json/);
      expect(existsSync(path.join(server.cwd, name, 'made'))).toBe(false);
    }
  });

  it('have the name that the client gave them, whatever links are on the way', async () => {
    await symlink(at('work'), at('link'));
    const told = at('link');
    await run(told, `RUN: echo one > in-cwd; echo two > ${told}/by-name; cat ${told}/in-cwd > copied`);
    const names = await readdir(at('work'));
    expect(names).toEqual(expect.arrayContaining(['in-cwd', 'by-name', 'copied']));
    expect(await readFile(at('work/copied'), 'utf8')).toBe('one\n');
  });

  it('let git commit in a worktree, and change nothing that git outside would run', async () => {
    const git = (...args: string[]): string =>
      spawnSync('git', [...GIT, ...args], { cwd: at('repository'), encoding: 'utf8' }).stdout;
    await mkdir(at('repository'));
    git('init', '-q', '-b', 'main');
    git('commit', '-q', '--allow-empty', '-m', 'first');
    const hidden = at('repository/.git');
    const traps = [
      'config',
      'hooks/pre-commit',
      'commondir',
      'config.worktree',
      'modules/x',
      'worktrees/other/commondir',
    ];
    const writes = traps.map(
      (name) => `mkdir -p $(dirname ${hidden}/${name}); echo set-a-trap >> ${hidden}/${name}`,
    );
    const tool = `TOOL: file_editor ${JSON.stringify({ command: 'create', path: `${hidden}/hooks/post-commit`, file_text: 'set-a-trap' })}`;
    await run(
      at('repository'),
      [`RUN: touch a; git add a; git ${GIT.join(' ')} commit -qm second; ${writes.join('; ')}`, tool].join(
        '\n',
      ),
      { worktree: true },
    );
    expect(git('log', '--all', '--format=%s').split('\n')).toContain('second');
    expect(spawnSync('grep', ['-rl', 'set-a-trap', hidden], { encoding: 'utf8' }).stdout).toBe('');
  });

  it.each(['.git/objects', '.git'])(
    'are not what an agent in the repository of a worktree makes a link to (%s)',
    async (name) => {
      const repository = at(`linked-${path.basename(name)}`);
      const outside = at(`outside-${path.basename(name)}`);
      for (const made of [repository, path.join(outside, 'objects')]) await mkdir(made, { recursive: true });
      await writeFile(path.join(outside, 'notes'), 'marker-of-notes');
      spawnSync('git', ['init', '-q'], { cwd: repository });
      spawnSync('git', [...GIT, 'commit', '-q', '--allow-empty', '-m', 'first'], { cwd: repository });
      const conversation = await ConversationClient.create(
        server,
        scriptedRequest(repository, 'RUN: true\nFINISH: done', { worktree: true }),
      );
      await conversation.reaches('finished');
      await rename(path.join(repository, name), path.join(repository, 'away'));
      const target = path.relative(path.dirname(path.join(repository, name)), outside);
      await symlink(target, path.join(repository, name));
      // A new shell, which has new mounts.
      const script = `cat ${repository}/${name}/notes; touch ${repository}/${name}/made ${repository}/${name}/objects/made`;
      await conversation.send(`TOOL: terminal {"command": "", "reset": true}\nRUN: ${script}\nFINISH: done`);
      await conversation.reaches('finished');
      expect(JSON.stringify(await conversation.events())).not.toContain('marker-of-notes');
      expect(existsSync(path.join(outside, 'made'))).toBe(false);
      expect(existsSync(path.join(outside, 'objects/made'))).toBe(false);
    },
  );
});

describeWithBubblewrap('the program that makes the sandbox', () => {
  it('does not obey variables of the program that it runs', async () => {
    const folder = await mkdtemp(path.join(os.homedir(), '.sandbox-test-'));
    for (const name of ['server', 'outside']) await mkdir(path.join(folder, name));
    const server = await ServerProcess.start({
      cwd: path.join(folder, 'server'),
      env: { OH_SANDBOX: 'workspace', OH_SANDBOX_REQUIRED: 'true' },
    });
    try {
      // The loader writes there whatever runs with them.
      const env = { LD_DEBUG: 'libs', LD_DEBUG_OUTPUT: path.join(folder, 'outside/loader') };
      const program = { type: 'stdio', command: 'sh', args: ['-c', 'echo $LD_DEBUG >&2'], env };
      await server.request('POST', '/api/mcp/test', { server: program });
      expect(await readdir(path.join(folder, 'outside'))).toEqual([]);
    } finally {
      await server.stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  });
});
