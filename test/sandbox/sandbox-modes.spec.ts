import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { describeWithBubblewrap } from '../support/sandbox.js';
import { ServerProcess } from '../support/server-process.js';

interface ServerInfo {
  sandbox: { mode: string; by: string | null; limits: string | null; reason: string | null };
}

describe('the sandbox of a server', () => {
  let folder = '';
  let server: ServerProcess | undefined;
  beforeEach(async () => {
    // Not below /tmp, which is another folder in the mode `workspace`.
    folder = await mkdtemp(path.join(os.homedir(), '.sandbox-test-'));
    for (const name of ['server', 'work', 'bin']) await mkdir(path.join(folder, name));
  });
  afterEach(async () => {
    await server?.stop();
    server = undefined;
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  const start = async (env: Record<string, string>): Promise<ServerProcess> =>
    (server = await ServerProcess.start({ cwd: path.join(folder, 'server'), env }));
  const statusOf = async (running: ServerProcess) =>
    ((await running.request('GET', '/server_info')).body as ServerInfo).sandbox;
  const run = async (running: ServerProcess, command: string, more: Record<string, unknown> = {}) => {
    const request = scriptedRequest(path.join(folder, 'work'), `RUN: ${command}\nFINISH: done`, more);
    const conversation = await ConversationClient.create(running, request);
    await conversation.reaches('finished');
    return conversation;
  };
  const promptOf = async (conversation: ConversationClient): Promise<string> => {
    const route = `/api/conversations/${conversation.id}/events/search?kind=SystemPromptEvent`;
    return JSON.stringify((await conversation.server.request('GET', route)).body);
  };
  /** A folder for PATH that has what the server needs, but not bubblewrap. */
  const pathWithoutBubblewrap = async (): Promise<string> => {
    const bin = path.join(folder, 'bin');
    for (const name of ['sh', 'bash', 'git', 'cat']) await symlink(`/usr/bin/${name}`, path.join(bin, name));
    return bin;
  };

  it('is off where bubblewrap is missing, and says so', async () => {
    const running = await start({ PATH: await pathWithoutBubblewrap() });
    expect(await statusOf(running)).toMatchObject({
      mode: 'off',
      reason: 'the program bwrap is not installed',
    });
    const conversation = await run(running, 'echo works > out');
    expect(await readFile(path.join(folder, 'work/out'), 'utf8')).toBe('works\n');
    expect(await promptOf(conversation)).not.toContain('<SANDBOX>');
    const request = scriptedRequest(path.join(folder, 'work'), undefined, { sandbox: 'workspace' });
    const { status, body } = await running.request('POST', '/api/conversations', request);
    expect({ status, body }).toMatchObject({ status: 400 });
    expect(JSON.stringify(body)).toContain('bwrap is not installed');
  });

  it('keeps the server from starting where it is required and does not work', async () => {
    const env = { PATH: await pathWithoutBubblewrap(), OH_SANDBOX_REQUIRED: 'true' };
    await expect(start(env)).rejects.toThrow(
      /"guarded" is required.*bwrap is not installed.*Install bubblewrap/,
    );
  });

  it('is off with a warning where it was asked for, but not required', async () => {
    const running = await start({ PATH: await pathWithoutBubblewrap(), OH_SANDBOX: 'guarded' });
    await running.logs(/"level":"warn".*"guarded\\?" does not work: the program bwrap is not installed/);
  });

  describeWithBubblewrap('with bubblewrap', () => {
    it('runs no start-up file of a shell outside of itself', async () => {
      const home = path.join(folder, 'home');
      await mkdir(home);
      await writeFile(path.join(home, '.bashrc'), `readlink /proc/self/ns/pid >> ${folder}/namespaces\n`);
      const running = await start({ HOME: home });
      expect(await statusOf(running)).toMatchObject({ mode: 'guarded' });
      await run(running, 'echo works');
      await running.request('POST', '/api/bash/execute_bash_command', { command: 'echo works' });
      const seen = await readFile(path.join(folder, 'namespaces'), 'utf8').catch(() => '');
      expect(seen).not.toContain(await readlink('/proc/self/ns/pid'));
    });

    it('is guarded where only the stricter mode does not work, and refuses that with the reason', async () => {
      const bin = await pathWithoutBubblewrap();
      const real = (process.env['PATH'] ?? '').split(':').map((place) => path.join(place, 'bwrap'));
      // As in a container that allows no namespace for the name of the machine.
      const script = `#!/bin/sh
case "$*" in *--unshare-uts*) echo "bwrap: not permitted" >&2; exit 1;; esac
exec ${real.find(existsSync) ?? ''} "$@"
`;
      await writeFile(path.join(bin, 'bwrap'), script, { mode: 0o755 });
      const running = await start({ PATH: bin });
      expect(await statusOf(running)).toMatchObject({
        mode: 'guarded',
        available: ['off', 'guarded'],
        reason: '"workspace" does not work: bwrap: not permitted',
      });
      const request = scriptedRequest(path.join(folder, 'work'), undefined, { sandbox: 'workspace' });
      const { status, body } = await running.request('POST', '/api/conversations', request);
      expect([status, JSON.stringify(body)]).toEqual([400, expect.stringContaining('not permitted')]);
      await run(running, 'echo works > out');
      expect(await readFile(path.join(folder, 'work/out'), 'utf8')).toBe('works\n');
    });

    it('is guarded without a configuration, and tells the agent', async () => {
      const running = await start({});
      expect(await statusOf(running)).toEqual({
        mode: 'guarded',
        by: 'bubblewrap',
        limits: null,
        available: ['off', 'guarded', 'workspace'],
        reason: null,
      });
      await running.logs(/sandbox: guarded, by bubblewrap; hidden are keys, [^;]* of the server; no limits/);
      expect(await promptOf(await run(running, 'true'))).toContain('<SANDBOX>');
      // A prompt of the client's own stays as it is.
      const agent = { llm: { model: 'scripted/test', usage_id: 'agent' }, system_prompt: 'Mine.' };
      expect(await promptOf(await run(running, 'true', { agent }))).not.toContain('<SANDBOX>');
    });

    it('is stricter for a conversation that asks for it, and never looser', async () => {
      const running = await start({});
      const outside = path.join(folder, 'outside');
      await run(running, `touch ${outside}-1; touch in-1`, { sandbox: 'workspace' });
      await run(running, `touch ${outside}-2; ls ${running.cwd}/persistence > seen`, { sandbox: 'off' });
      expect([`${outside}-1`, `${outside}-2`].map(existsSync)).toEqual([false, true]);
      expect(existsSync(path.join(folder, 'work/in-1'))).toBe(true);
      expect(await readFile(path.join(folder, 'work/seen'), 'utf8')).toBe('memory\n');
    });

    it('is off where that is configured, but for conversations that ask for more', async () => {
      const running = await start({ OH_SANDBOX: 'off', OH_SANDBOX_NETWORK: 'off' });
      await running.logs('sandbox_network is for the mode \\"workspace\\"');
      expect(await statusOf(running)).toMatchObject({ mode: 'off', by: null, reason: null });
      const open = await run(running, `ls ${running.cwd}/persistence > seen`);
      expect(await promptOf(open)).not.toContain('<SANDBOX>');
      await run(running, `touch ${folder}/out`, { sandbox: 'workspace' });
      expect(existsSync(path.join(folder, 'out'))).toBe(false);
    });

    it('refuses hosts that are none before it starts', async () => {
      const env = { OH_SANDBOX: 'workspace', OH_SANDBOX_NETWORK: '["not a host"]' };
      await expect(start(env)).rejects.toThrow(/sandbox_network: .*not a host/);
    });

    it('limits what programs use, and says by what', async () => {
      const running = await start({ OH_SANDBOX_OPEN_FILES: '77' });
      expect(await statusOf(running)).toMatchObject({ limits: 'prlimit' });
      await running.logs('; limits by prlimit: 77 open files of a process');
      await run(running, 'ulimit -n > out');
      expect(await readFile(path.join(folder, 'work/out'), 'utf8')).toBe('77\n');
    });

    it('lets daemons of bash commands go on after their command', async () => {
      const running = await start({});
      const execute = async (command: string) =>
        (await running.request('POST', '/api/bash/execute_bash_command', { command, cwd: folder })).body;
      await execute('(until [ -e go ]; do sleep 0.05; done; echo done > late) > /dev/null 2>&1 &');
      expect(await execute('touch go; until [ -e late ]; do sleep 0.05; done; cat late')).toMatchObject({
        exit_code: 0,
        stdout: 'done\n',
      });
    });
  });
});
