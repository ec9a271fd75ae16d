import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CuttableProxy } from '../support/cuttable-proxy.js';
import { compiledExample, ExampleProgram, pythonWith } from '../support/example-program.js';
import { ServerProcess } from '../support/server-process.js';

const KEY = 'the-key-of-the-test';
const PYTHON = pythonWith('httpx', 'websockets.sync.client');
if (PYTHON === undefined) {
  process.stderr.write('examples/client/client.py is not tested: no python3 with httpx and websockets\n');
}
/** Waits for a file of the workspace: a test decides when the command ends. */
const UNTIL_GO = 'RUN: until [ -e go ]; do sleep 0.02; done; echo two';

describe.each([
  ['TypeScript', 'client.ts', true],
  ['Python', 'client.py', PYTHON !== undefined],
])('the example client in %s', (_language, file, isAvailable) => {
  const test = isAvailable ? it : it.skip;
  let server: ServerProcess;
  let proxy: CuttableProxy;
  let command: string[];
  let remove: (() => Promise<void>) | undefined;
  let program: ExampleProgram | undefined;

  beforeAll(async () => {
    if (!isAvailable) return;
    server = await ServerProcess.start({ env: { SESSION_API_KEY: KEY }, key: KEY });
    proxy = await CuttableProxy.start(server.url);
    if (file.endsWith('.py')) {
      command = [PYTHON ?? '', path.join('examples', 'client', file)];
    } else {
      const compiled = await compiledExample(path.join('client', file));
      remove = compiled.remove;
      command = [process.execPath, compiled.file];
    }
  });
  afterEach(() => program?.stop());
  afterAll(async () => {
    if (!isAvailable) return;
    await proxy.stop();
    await server.stop();
    await remove?.();
  });

  const start = (
    task: string[],
    options: string[] = [],
    env: Record<string, string> = {},
  ): ExampleProgram => {
    const variables = { AGENT_SERVER_URL: proxy.url, SESSION_API_KEY: KEY, ...env };
    program = ExampleProgram.start([...command, ...options, task.join('\n')], variables);
    return program;
  };
  const inWorkspace = (name: string): string => path.join(server.cwd, 'workspace', 'project', name);

  test('prints a whole conversation in its order', async () => {
    const client = start(['SAY: I start.', 'RUN: echo one', 'TOOL: nope {}', 'SAY: That was all of it.']);
    expect(await client.end()).toBe(0);
    const [first, ...lines] = client.output.trim().split('\n');
    expect(first).toMatch(/^conversation [0-9a-f-]{36}$/);
    expect(lines).toEqual([
      'I start.',
      '> terminal: {"command": "echo one"}',
      'one',
      '> nope',
      expect.stringContaining("Tool 'nope' not found"),
      'That was all of it.',
      'The conversation is finished.',
    ]);
  });

  test('misses and repeats nothing when the connection is lost and when the server is killed', async () => {
    const client = start(['RUN: echo one', UNTIL_GO, 'FINISH: done']);
    await client.prints('sleep 0.02');
    proxy.cut();
    await client.prints('the connection was lost');
    await writeFile(inWorkspace('go'), '');
    await client.prints('The conversation is finished.');
    const lines = client.output.split('\n').filter((line) => !line.startsWith('('));
    expect(lines.slice(1)).toEqual([
      '> terminal: {"command": "echo one"}',
      'one',
      expect.stringContaining('sleep 0.02'),
      'two',
      expect.stringMatching(/^> finish/),
      'done',
      'The conversation is finished.',
      '',
    ]);
    expect(await client.end()).toBe(0);

    const other = start(['RUN: echo one', 'WAIT: 1000', 'FINISH: done']);
    await other.prints('one');
    server = await server.restart('SIGKILL');
    proxy.cut(server.url);
    await other.prints('The conversation is paused.');
    expect(other.output.match(/^> terminal/gm)).toHaveLength(1);
    expect(await other.end()).toBe(1);
  });

  test('asks before each action and continues when it is allowed', async () => {
    const client = start(['RUN: echo one', 'RUN: echo two', 'FINISH: done'], ['--confirm']);
    for (const word of ['one', 'two']) {
      await client.prints(`Allow terminal: {"command": "echo ${word}"}? [y/N]`);
      client.type('y');
    }
    expect(await client.end()).toBe(0);
    expect(client.output).toContain('The conversation is finished.');
  });

  test('ends after a rejection, which keeps the action from being executed', async () => {
    const client = start(['RUN: touch forbidden', 'FINISH: done'], ['--confirm']);
    await client.prints('[y/N]');
    client.type('n');
    expect(await client.end()).toBe(1);
    expect(client.output).toContain('The conversation is rejected.');
    const id = /conversation (\S+)/.exec(client.output)?.[1];
    const { body } = await server.request(
      'GET',
      `/api/conversations/${id}/events/search?kind=UserRejectObservation`,
    );
    expect(body).toMatchObject({ items: [{ tool_name: 'terminal' }] });
  });

  test('says what is wrong with a key and with a request', async () => {
    const stranger = start(['SAY: hi'], [], { SESSION_API_KEY: 'wrong' });
    expect(await stranger.end()).not.toBe(0);
    expect(stranger.output).toContain('401 Unauthorized');
    const client = start(['SAY: hi'], [], { LLM_MODEL: 'nobody/model' });
    expect(await client.end()).not.toBe(0);
    expect(client.output).toContain(
      "422 body.agent.llm.model: Value error, No provider serves a model named 'nobody/model'",
    );
  });
});
