import { readFile, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { blocksOf, follow } from '../support/document.js';
import { ROOT } from '../support/checkout.js';
import { ServerProcess } from '../support/server-process.js';
import { anthropicMessages } from '../support/wire/anthropic-messages.js';
import { ollama } from '../support/wire/ollama.js';
import { responses } from '../support/wire/responses.js';
import { startWireEndpoint, type WireEndpoint } from '../support/wire/wire-endpoint.js';
import type { Turn, WireProtocol, WireRequest } from '../support/wire/wire-protocol.js';

/** A model that writes the haiku of the documents. It answers questions without tools, as for a title. */
function startPoet(protocol: WireProtocol): Promise<WireEndpoint> {
  const script: Turn[] = [
    { calls: [{ name: 'terminal', arguments: { command: 'echo poem > haiku.txt' } }] },
    { text: 'The haiku is written.' },
  ];
  return startWireEndpoint({
    protocol,
    script,
    aside: (request) => (hasTools(request) ? undefined : { text: 'A haiku' }),
  });
}

function hasTools({ body }: WireRequest): boolean {
  return Array.isArray(body['tools']) && body['tools'].length > 0;
}

describe('the documents, followed word for word', () => {
  let server: ServerProcess | undefined;
  let poet: WireEndpoint | undefined;
  afterEach(async () => {
    await server?.stop();
    await poet?.close();
  });

  /** Starts a server, and gives its folder the examples of a checkout. */
  async function start(env: Record<string, string>): Promise<ServerProcess> {
    server = await ServerProcess.start({ env: { OH_SECRET_KEY: 'a secret', ...env } });
    await symlink(path.join(ROOT, 'examples'), path.join(server.cwd, 'examples'));
    return server;
  }

  it('README: each step of the first conversation shows what it says', async () => {
    poet = await startPoet(anthropicMessages);
    const { cwd, url } = await start({ ANTHROPIC_API_BASE: poet.url });
    const blocks = await blocksOf('README.md', '## A first conversation');
    const commands = blocks.filter(({ language }) => language === 'bash');
    const [created = '', watched = '', read = '', interrupted = '', real = '', ...others] = await follow(
      commands,
      {
        cwd,
        env: { AGENT_SERVER_URL: url, ANTHROPIC_API_KEY: 'sk-ant-test' },
        instead: { 'http://localhost:8000': url },
      },
    );
    expect(others).toEqual([]);
    expect(created.trim()).toMatch(/^[0-9a-f-]{36}$/);
    const shown = blocks.find(({ language }) => language === 'text')?.text ?? '';
    const withoutTimes = (text: string): string => text.replaceAll(/^\d\d:\d\d:\d\d /gm, '');
    for (const line of withoutTimes(shown).trim().split('\n')) expect(withoutTimes(watched)).toContain(line);
    expect(read).toMatch(
      /^hello\n\{"items":\[\{.*"kind":"ActionEvent"\}\].*\{"response":"hello.txt is there."\}/s,
    );
    expect(read).not.toContain('system_prompt');
    expect(interrupted.trim().split('\n').at(-1)).toMatch(/paused$/);
    expect(real).toContain('message: The haiku is written.');
    expect(poet.requests.find(hasTools)?.headers['x-api-key']).toBe('sk-ant-test');
    expect(await readFile(path.join(cwd, 'workspace/project/haiku.txt'), 'utf8')).toBe('poem\n');
  });

  it('write a client: the commands do what the page says', async () => {
    const { cwd, url } = await start({ SESSION_API_KEY: 'the-key-of-the-server' });
    await symlink(path.join(ROOT, 'node_modules'), path.join(cwd, 'node_modules'));
    const blocks = await blocksOf('docs/write-a-client.md', '# Write a client');
    const commands = blocks.filter(({ language }) => language === 'bash');
    const outputs = await follow(commands, {
      cwd,
      env: {},
      instead: { 'http://localhost:8000': url, '/tmp/resume.mjs': path.join(cwd, 'resume.mjs') },
    });
    const [, created = '', reviewed = '', followed = '', streamed = '', confirmed = '', ...further] = outputs;
    const [repeated = '', refused = '', ...others] = further;
    expect(others).toEqual([]);
    expect(JSON.parse(reviewed)).toEqual({
      response: 'Two tests fail.',
      structured_output: { verdict: 'fail' },
    });
    expect(created.trim()).toMatch(/^[0-9a-f-]{36}$/);
    const frames = followed
      .trim()
      .split('\n')
      .map((line) => line.trim());
    expect(frames.slice(0, 2)).toEqual(['sync', 'durable 0 SystemPromptEvent']);
    expect(frames.filter((line) => line === 'durable 5 ActionEvent')).toHaveLength(2);
    expect(frames.filter((line) => line === 'durable 4 ConversationStateUpdateEvent stats')).toHaveLength(1);
    expect(streamed).toMatch(/^retry: 1000\n\nevent: sync\ndata: \{"from_seq":-1,"through_seq":\d+\}/);
    expect(confirmed).toMatch(
      /"summary":"terminal: \{\\"command\\": \\"echo hello\\"\}".*\{"success":true\}/s,
    );
    expect(repeated.trim()).toBe('{"success":true}{"success":true}2');
    expect(JSON.parse(refused)).toMatchObject({
      detail: [{ loc: ['body', 'workspace', 'working_dir'] }, { loc: ['body', 'agent', 'tools'] }],
    });
  });
});

describe('the quick start, followed word for word', () => {
  const MODELS = [
    { name: 'Anthropic', block: 0, protocol: anthropicMessages, env: 'ANTHROPIC_API_BASE', base: '' },
    { name: 'OpenAI', block: 1, protocol: responses, env: 'OPENAI_API_BASE', base: '/v1' },
    { name: 'Ollama', block: 2, protocol: ollama, env: 'UNUSED', base: '' },
  ];
  const poets = new Map<string, WireEndpoint>();
  let server: ServerProcess;
  beforeAll(async () => {
    const env: Record<string, string> = { OH_SECRET_KEY: 'a secret' };
    for (const model of MODELS) {
      const poet = await startPoet(model.protocol);
      poets.set(model.name, poet);
      env[model.env] = `${poet.url}${model.base}`;
    }
    server = await ServerProcess.start({ env });
    await symlink(path.join(ROOT, 'examples'), path.join(server.cwd, 'examples'));
  });
  afterAll(async () => {
    await server.stop();
    for (const poet of poets.values()) await poet.close();
  });

  // The haiku of the model before.
  beforeEach(() => rm(path.join(server.cwd, 'workspace/project/haiku.txt'), { force: true }));

  it.each(MODELS)('quick start: a model of $name is tried, stored and used', async ({ block, name }) => {
    const poet = poets.get(name);
    if (poet === undefined) throw new Error(`${name} has no endpoint`);
    const { cwd, url } = server;
    const sections = ['## 2. Choose a model', '## 3. Try and store it', '## 4. Give the agent a task'];
    const [models = [], store = [], task = []] = await Promise.all(
      sections.map((heading) => blocksOf('docs/quick-start.md', heading)),
    );
    const commands = [...models.slice(block, block + 1), ...store, ...task];
    const outputs = await follow(commands, {
      cwd,
      env: { AGENT_SERVER_URL: url },
      instead: {
        'http://localhost:8000': url,
        'http://localhost:11434': poet.url,
        'ollama pull': 'true',
      },
    });
    expect(outputs[1]).toContain('{"valid":true');
    expect(outputs[1]).toContain("Profile 'mine' activated");
    expect(outputs[3]).toContain('message: The haiku is written.');
    expect(outputs[4]).toContain('finished\n{"response":"The haiku is written."}poem\n');
    const { headers, body } = poet.requests.findLast(hasTools) ?? {};
    const model = { Anthropic: 'claude-sonnet-5-5', OpenAI: 'gpt-6-sol', Ollama: 'qwen3-coder:30b' }[name];
    expect(body).toMatchObject({ model, stream: true });
    const key = { Anthropic: headers?.['x-api-key'], OpenAI: headers?.authorization }[name];
    expect(key).toBe({ Anthropic: 'sk-ant-...', OpenAI: 'Bearer sk-...' }[name]);
  });
});
