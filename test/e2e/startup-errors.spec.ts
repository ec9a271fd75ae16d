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
});

describe('the key of a model that has no value after a restart', () => {
  interface Case {
    before: string | undefined;
    after: string | undefined;
    why: string;
  }
  const CASES: [when: string, given: Case][] = [
    [
      'without OH_SECRET_KEY',
      { before: undefined, after: undefined, why: 'it was stored while OH_SECRET_KEY was not set' },
    ],
    [
      'without the former OH_SECRET_KEY',
      { before: 'one', after: undefined, why: 'OH_SECRET_KEY is not set' },
    ],
    ['with another OH_SECRET_KEY', { before: 'one', after: 'two', why: 'OH_SECRET_KEY has changed' }],
  ];
  let cwd: string;
  /** The first error of each case, and the ones after two restarts with the logs of their servers. */
  const seen = new Map<Case, { first: string[]; later: { errors: string[]; server: ServerProcess }[] }>();

  // One folder and six starts for all cases: each has a conversation of its own.
  beforeAll(async () => {
    cwd = await mkdtemp(path.join(os.tmpdir(), 'startup-errors-'));
    const conversations = new Map<Case, ConversationClient>();
    const start = (key: string | undefined) =>
      ServerProcess.start({ cwd, env: key === undefined ? {} : { OH_SECRET_KEY: key } });
    const withKey = (field: 'before' | 'after', key: string | undefined) =>
      CASES.map(([, given]) => given).filter((given) => given[field] === key);
    const request = scriptedRequest(cwd);
    const agent = { ...request.agent, llm: { ...request.agent.llm, api_key: 'sk-marked' } };
    for (const key of [undefined, 'one']) {
      const server = await start(key);
      for (const given of withKey('before', key)) {
        const conversation = await ConversationClient.create(server, { ...request, agent });
        conversations.set(given, conversation);
        seen.set(given, { first: await failing(conversation, 1), later: [] });
      }
      await server.end();
    }
    for (const key of [undefined, 'two']) {
      // Also after a start that only read and saved the conversation.
      for (const failures of [2, 3]) {
        const server = await start(key);
        for (const given of withKey('after', key)) {
          const conversation = conversations.get(given)?.on(server);
          const errors = conversation ? await failing(conversation, failures) : [];
          seen.get(given)?.later.push({ errors, server });
          await server.logs(given.why);
        }
        await server.end();
      }
    }
    // Six starts, one after the other.
  }, 240_000);
  afterAll(() => rm(cwd, { recursive: true, force: true }));

  /** Lets a run fail. @param failures how often it has failed then. @returns all errors */
  async function failing(conversation: ConversationClient, failures: number): Promise<string[]> {
    await conversation.send('FAIL: 401 no key');
    await eventually(async () => (await errorsOf(conversation)).length === failures, 'the error');
    return errorsOf(conversation);
  }

  it.each(CASES)('is explained in the error: %s', (_when, given) => {
    const { first, later } = seen.get(given) ?? { first: [], later: [] };
    expect(first).toEqual([expect.not.stringContaining('OH_SECRET_KEY')]);
    expect(later).toHaveLength(2);
    for (const { errors, server } of later) {
      const last = String(errors.at(-1));
      expect(last).toContain(`The API key has no value: ${given.why}`);
      expect(server.log + last).not.toContain('sk-marked');
    }
  });
});

/** The errors that the runs of a conversation ended with. */
async function errorsOf(conversation: ConversationClient): Promise<string[]> {
  const route = `${conversation.route}/events/search?limit=100&kind=ConversationErrorEvent`;
  const { body } = await conversation.server.request('GET', route);
  return (body as { items: { detail: string }[] }).items.map(({ detail }) => detail);
}
