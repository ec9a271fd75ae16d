import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
/** A user without privileges, in case the tests run as root. */
const NOBODY = 65_534;

describe('a server with a wrong configuration', () => {
  let cwd: string;
  beforeEach(async () => {
    cwd = await mkdtemp(path.join(os.tmpdir(), 'startup-errors-'));
  });
  afterEach(() => rm(cwd, { recursive: true, force: true }));

  /** Runs a server that cannot start. @returns its output */
  async function failing(env: Record<string, string>, uid?: number): Promise<string> {
    const child = spawn(process.execPath, [MAIN, '--host', '127.0.0.1', '--port', '0'], {
      cwd,
      uid,
      env: { PATH: process.env['PATH'] ?? '', OH_UI_PATH_IS_NONE: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await once(child, 'close');
    expect(child.exitCode).toBe(1);
    return said;
  }

  it('names the folder and the setting when it may not write to the workspace', async () => {
    await chmod(cwd, 0o555);
    const said = await failing({}, process.getuid?.() === 0 ? NOBODY : undefined);
    await chmod(cwd, 0o755);
    expect(said).toMatch(
      /cannot write to .*workspace\/conversations \(EACCES\): allow this user to write there/,
    );
    expect(said).toContain('OH_CONVERSATIONS_PATH');
  });

  it('names the variable and the absolute path when the configuration file is missing', async () => {
    const said = await failing({ OPENHANDS_AGENT_SERVER_CONFIG_PATH: 'conf/nope.json' });
    const file = path.join(cwd, 'conf/nope.json');
    expect(said).toBe(
      `openhands-agent-server: configuration: expected a file at ${file}, got no such file ` +
        '(OPENHANDS_AGENT_SERVER_CONFIG_PATH)\n',
    );
  });

  it('blames the database, not its own address, when the host of database_url is unknown', async () => {
    const said = await failing({
      OH_DATABASE_URL: 'postgres://agent:a-password@nowhere.invalid/agents',
      OH_DATABASE_TIMEOUT_SECONDS: '0.2',
    });
    expect(said).toMatch(/cannot start: the database cannot be used: .*Correct the host in database_url/);
    expect(said).not.toContain('--host');
    expect(said).not.toContain('a-password');
  });

  it('starts without a configuration file, and logs where it looked', async () => {
    const server = await ServerProcess.start({ cwd });
    await server.logs('workspace/openhands_agent_server_config.json (not found)');
    await server.stop();
  });

  it.each([
    ['without OH_SECRET_KEY', {}, {}, 'it was stored while OH_SECRET_KEY was not set'],
    [
      'with another OH_SECRET_KEY',
      { OH_SECRET_KEY: 'one' },
      { OH_SECRET_KEY: 'two' },
      'OH_SECRET_KEY has changed',
    ],
    ['without the former OH_SECRET_KEY', { OH_SECRET_KEY: 'one' }, {}, 'OH_SECRET_KEY is not set'],
  ])(
    'explains in the error why the key of a model has no value after a restart %s',
    async (_when, before, after, why) => {
      const request = scriptedRequest(cwd);
      const agent = { ...request.agent, llm: { ...request.agent.llm, api_key: 'sk-marked' } };
      const first = await ServerProcess.start({ cwd, env: before });
      const conversation = await ConversationClient.create(first, { ...request, agent });
      await conversation.send('FAIL: 401 no key');
      await conversation.reaches('error');
      expect(await errorsOf(conversation)).toEqual([expect.not.stringContaining('OH_SECRET_KEY')]);
      await first.end();
      // Also after a start that only read and saved the conversation.
      for (const failures of [2, 3]) {
        const server = await ServerProcess.start({ cwd, env: after });
        const again = conversation.on(server);
        await again.send('FAIL: 401 no key');
        await eventually(async () => (await errorsOf(again)).length === failures, 'the error');
        const last = (await errorsOf(again)).at(-1);
        expect(last).toContain(`The API key has no value: ${why}`);
        await server.logs(why);
        expect(server.log + String(last)).not.toContain('sk-marked');
        await server.end();
      }
    },
  );
});

/** The errors that the runs of a conversation ended with. */
async function errorsOf(conversation: ConversationClient): Promise<string[]> {
  const route = `${conversation.route}/events/search?limit=100&kind=ConversationErrorEvent`;
  const { body } = await conversation.server.request('GET', route);
  return (body as { items: { detail: string }[] }).items.map(({ detail }) => detail);
}
