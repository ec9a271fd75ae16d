import { once } from 'node:events';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { CommandProgram } from '../support/command-program.js';
import { eventually } from '../support/eventually.js';
import { ServerProcess } from '../support/server-process.js';
import { zipEntries } from '../support/zip-entries.js';

const KEY = 'key-of-the-administrator';
const SECRET = 's3cr3t-of-the-conversation';
/** Where no field is meant for a secret, and people put one anyway. */
const LOOSE = {
  address: 'loose-in-an-address',
  argument: 'loose-in-an-argument',
  option: 'loose-in-an-option',
  header: 'loose-in-a-header',
  body: 'loose-in-a-body',
  label: 'loose-in-a-label',
};
const AGENT = {
  llm: {
    ...{ model: 'scripted/test', usage_id: 'agent' },
    base_url: `http://127.0.0.1:9/v1?api-version=7&key=${LOOSE.address}`,
    litellm_extra_body: { auth_token: LOOSE.body, api_password: LOOSE.body },
  },
  tools: [{ name: 'terminal' }],
  mcp_config: {
    program: {
      command: '/bin/false',
      args: [
        '--api-key',
        LOOSE.argument,
        `--token=${LOOSE.option}`,
        `--header=Authorization: Bearer ${LOOSE.header}`,
        'run',
      ],
    },
    remote: { url: `http://127.0.0.1:9/mcp?access_token=${LOOSE.address}`, enabled: false },
  },
};

describe('The report about a conversation', () => {
  let server: ServerProcess;
  let id: string;

  beforeAll(async () => {
    server = await ServerProcess.start({
      key: KEY,
      env: { SESSION_API_KEY: KEY, OH_SECRET_KEY: 'other-key' },
    });
    const request = scriptedRequest(path.join(server.cwd, 'work'), `RUN: echo ${SECRET}\nFINISH: done`, {
      agent: AGENT,
      observability_metadata: { session_token: LOOSE.label },
      secrets: {
        TOKEN: { kind: 'StaticSecret', value: SECRET },
        LOOKED_UP: { kind: 'LookupSecret', url: `http://127.0.0.1:9/s?sig=${LOOSE.address}` },
      },
    });
    const conversation = await ConversationClient.create(server, request);
    await conversation.reaches('finished');
    ({ id } = conversation);
  });
  afterAll(() => server.stop());

  const of = (about: string, file: string) => [about, '--server', server.url, '-o', file];

  it('has versions, configuration, log, metrics, timeline and events, without secrets', async () => {
    const { code, stdout, stderr } = await CommandProgram.run(
      server.cwd,
      'report',
      of(id.replaceAll('-', ''), 'report.zip'),
      { SESSION_API_KEY: KEY },
    );
    expect([code, stdout]).toEqual([0, 'report.zip\n']);
    expect(stderr).toContain('secrets are masked');
    const file = path.join(server.cwd, 'report.zip');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const entries = zipEntries(await readFile(file));
    expect([...entries.keys()]).toEqual([
      ...['info.json', 'configuration.json', 'log.json', 'metrics.txt'].map((name) => `server/${name}`),
      ...['info.json', 'summary.json', 'timeline.json', 'trajectory.zip'].map(
        (name) => `conversation/${name}`,
      ),
    ]);
    const json = (name: string): unknown => JSON.parse(entries.get(name)?.toString() ?? '');
    expect(json('server/info.json')).toMatchObject({ title: 'OpenHands Agent Server' });
    expect(json('conversation/info.json')).toMatchObject({ id, execution_status: 'finished' });
    expect(json('conversation/timeline.json')).toMatchObject({ next_page_id: null });
    expect(entries.get('server/metrics.txt')?.toString()).toContain('process_');
    const trajectory = zipEntries(entries.get('conversation/trajectory.zip') ?? Buffer.alloc(0));
    expect([...trajectory.keys()].filter((name) => name.includes('/events/event-')).length).toBeGreaterThan(
      3,
    );
    for (const content of [...entries.values(), ...trajectory.values()])
      for (const secret of [SECRET, KEY, 'other-key', ...Object.values(LOOSE)])
        expect(content.includes(secret)).toBe(false);
    // What is no secret stays.
    const state = JSON.stringify(json('conversation/info.json'));
    expect(state).toContain('api-version=7');
    expect(state).toContain('"run"');
  });

  it('replaces no file, and says what is wrong with its arguments, its key or the server', async () => {
    await writeFile(path.join(server.cwd, 'mine.zip'), 'mine');
    const unknown = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';
    // Nothing listens at the port 2 of this machine.
    const nowhere = ['--server', 'http://127.0.0.1:2'];
    const failures: [args: string[], code: number, message: string, env?: Record<string, string>][] = [
      [of(id, 'mine.zip'), 1, 'mine.zip exists: name another file with --output'],
      [of(unknown, 'x.zip'), 1, `the server at ${server.url} has no conversation ${unknown}`],
      [of(id, 'x.zip'), 1, `the server at ${server.url} refuses the key`, {}],
      [[id, ...nowhere], 1, 'no server answers at http://127.0.0.1:2: start it'],
      [[], 2, 'report requires the id of a conversation'],
      [['../../etc'], 2, "'../../etc' is not the id of a conversation"],
      [[id, '--server', 'ftp://x'], 2, '--server requires a URL'],
      [[id, '--server', 'http://me:pass@127.0.0.1:2'], 2, '--server takes no user name and password'],
      [[id, '--server', 'http://127.0.0.1:2/?a=b'], 2, '--server takes no query'],
    ];
    const lines = failures.map(([args, , , env = { SESSION_API_KEY: KEY }]) => ({ args, env }));
    const results = await CommandProgram.runEach(server.cwd, 'report', lines);
    for (const [index, [, code, text]] of failures.entries())
      expect(results[index]).toMatchObject({ code, stderr: expect.stringContaining(text) as unknown });
    expect(await readFile(path.join(server.cwd, 'mine.zip'), 'utf8')).toBe('mine');
    await expect(stat(path.join(server.cwd, 'x.zip'))).rejects.toThrow('ENOENT');
  });

  it('leaves nothing half written when it is interrupted', async () => {
    let asked = 0;
    // Says that there is the conversation, and nothing more.
    const silent = createServer((_request, response) => {
      asked += 1;
      if (asked === 1) response.end('{}');
    }).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const before = await readdir(server.cwd);
    const args = [id, '--server', `http://127.0.0.1:${port}`, '-o', 'half.zip'];
    const program = new CommandProgram(server.cwd, 'report', args);
    try {
      await eventually(() => asked > 1, 'the question for the first part');
      program.kill('SIGTERM');
      const { code, stderr } = await program.result();
      expect([code, stderr]).toEqual([1, 'openhands-agent-server: interrupted\n']);
      expect(await readdir(server.cwd)).toEqual(before);
    } finally {
      program.kill();
      silent.closeAllConnections();
      silent.close();
    }
  });
});
