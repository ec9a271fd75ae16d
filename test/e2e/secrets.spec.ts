import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest, type SeenEvent } from '../support/conversation-client.js';
import { observationsOf, observationText, outputPrefix } from '../support/observations.js';
import { startScriptedEndpoint } from '../support/scripted-endpoint.js';
import { ServerProcess } from '../support/server-process.js';
import { textsBelow } from '../support/texts-below.js';
import { writeFiles } from '../support/write-files.js';

const HIDDEN = '<secret-hidden>';
const TOKEN = 's3cr3t-value-123';
const MY_TOKEN = { kind: 'StaticSecret', value: TOKEN, description: 'test token' };

/** Commands can use the secrets of a conversation, and nobody can read them. */
describe('secrets of a conversation', () => {
  let server: ServerProcess;
  let workspace: string;

  beforeAll(async () => {
    server = await ServerProcess.start({ env: { OH_SECRET_KEY: 'a key' } });
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    workspace = await mkdtemp(path.join(os.tmpdir(), 'workspace-'));
  });
  afterEach(() => rm(workspace, { recursive: true, force: true, maxRetries: 5 }));

  const create = (script?: string, more: Record<string, unknown> = {}) =>
    ConversationClient.create(server, scriptedRequest(workspace, script, more));
  const addSecrets = (conversation: ConversationClient, body: unknown) =>
    conversation.server.request('POST', `${conversation.route}/secrets`, body);

  it('secrets of a conversation are not set as variables when they contain a null character, because shells drop it and the rest could not be masked', async () => {
    const NUL = { kind: 'StaticSecret', value: `${TOKEN}\0tail` };
    const conversation = await create('RUN: echo "<$NUL>"\nFINISH: done', { secrets: { NUL } });
    await conversation.reaches('finished');
    const [seen] = await observationsOf(conversation);
    expect(observationText(seen)).toContain('<>');
    expect(outputPrefix(seen)).toContain('The secret NUL is not available: it contains a null character');
    expect(JSON.stringify(await conversation.events())).not.toContain(TOKEN);
  });

  it('secrets of a conversation can be as large as a file of keys', async () => {
    // One of a single line and one of many lines: each line is masked by itself.
    const BIG = 'b1g-secret'.repeat(20_000);
    const MANY = Array.from({ length: 600 }, (_, n) => `line-${n}-${'k3y'.repeat(20)}`).join('\n');
    const secret = (value: string) => ({ kind: 'StaticSecret', value });
    const conversation = await create(
      ['RUN: ls', 'RUN: echo "[$BIG]"', 'RUN: printf %s "$MANY" | tail -n 2 | cat', 'SAY: done'].join('\n'),
      { secrets: { BIG: secret(BIG), MANY: secret(MANY) } },
    );
    await conversation.reaches('finished');
    const [, whole, lines] = await observationsOf(conversation);
    expect(observationText(whole)).toBe(`[${HIDDEN}]`);
    expect(observationText(lines)).toBe(`${HIDDEN}\n${HIDDEN}`);
    expect(JSON.stringify(await conversation.events())).not.toMatch(/b1g-secret|k3yk3y/);
  });

  it('secrets of a conversation are refused when they are too many or too long to be masked without a delay', async () => {
    const source = (value: string) => ({ kind: 'StaticSecret', value });
    const many = Object.fromEntries(Array.from({ length: 5001 }, (_, n) => [`S${n}`, source('x')]));
    const long = { A: source('a'.repeat(300 * 1024)), B: source('b'.repeat(300 * 1024)) };
    const start = (secrets: unknown) =>
      server.request('POST', '/api/conversations', scriptedRequest(workspace, 'FINISH: done', { secrets }));
    const refusal = (msg: string) => ({
      status: 422,
      body: {
        detail: [
          { type: 'value_error', loc: ['body', 'secrets'], msg: expect.stringContaining(msg) as unknown },
        ],
      },
    });
    expect(await start(many)).toMatchObject(refusal('at most 5000 secrets, these would be 5001'));
    expect(await start(long)).toMatchObject(refusal('at most 524288 characters together'));
    const conversation = await create('FINISH: done', { secrets: { A: long.A } });
    const added = await addSecrets(conversation, { secrets: { B: long.B } });
    expect(added).toMatchObject(refusal('these would have 614400'));
    expect(JSON.stringify(added).length).toBeLessThan(1000);
    expect(Object.keys((await conversation.info()).secret_registry as object)).toEqual(['secret_sources']);
    expect(JSON.stringify((await conversation.info()).secret_registry)).not.toContain('"B"');
  });

  it('secrets of a conversation are set for commands that name them and masked in everything that clients and the model read (secrets-masking)', async () => {
    const file = path.join(workspace, 's.txt');
    const conversation = await create(
      [
        'RUN: echo v=$MY_TOKEN',
        'RUN: echo $my_token [${MY_TOKEN}]',
        `TOOL: file_editor ${JSON.stringify({ command: 'create', path: file, file_text: `tok ${TOKEN}\n` })}`,
        `TOOL: file_editor ${JSON.stringify({ command: 'view', path: file })}`,
        `RUN: echo ${TOKEN}; env | grep -c OTHER_ONE`,
        `TOOL: file_editor ${JSON.stringify({ command: 'view', path: `/nope/${TOKEN}` })}`,
        `SAY: the secret is ${TOKEN}`,
      ].join('\n'),
      { secrets: { MY_TOKEN, OTHER_ONE: { kind: 'StaticSecret', value: 'zzzz-other' } } },
    );
    await conversation.reaches('finished');
    const seen = await observationsOf(conversation);
    expect(seen.map(observationText)).toEqual([
      `v=${HIDDEN}`,
      `[${HIDDEN}]`,
      `File created successfully at: ${file}`,
      `Here's the result of running \`cat -n\` on ${file}:\n     1\ttok ${HIDDEN}\n`,
      `${HIDDEN}\n1`,
      expect.stringContaining(`/nope/${HIDDEN}`),
    ]);
    expect(seen[2]).toMatchObject({ new_content: `tok ${HIDDEN}\n` });
    expect(seen[4]).toMatchObject({ command: `echo ${HIDDEN}; env | grep -c OTHER_ONE` });
    // The file has the value itself: that is what the agent wanted to write.
    expect(await readFile(file, 'utf8')).toBe(`tok ${TOKEN}\n`);
    const events = await conversation.events();
    expect(events.findLast(({ kind }) => kind === 'MessageEvent')).toMatchObject({
      llm_message: { content: [{ text: `the secret is ${HIDDEN}` }] },
    });
    // A call stays as the model wrote it, because it is executed.
    expect(
      events.find(({ kind, tool_name }) => kind === 'ActionEvent' && tool_name === 'file_editor'),
    ).toMatchObject({
      action: { file_text: `tok ${TOKEN}\n` },
    });
    const [prompt] = events;
    const context = (prompt as SeenEvent & { dynamic_context: { text: string } }).dynamic_context.text;
    expect(context).toContain('<CUSTOM_SECRETS>\n### Credential Access\n');
    expect(context).toContain('* **$MY_TOKEN** - test token\n\n* **$OTHER_ONE**\n');
    expect(context).toContain('<CURRENT_DATETIME>');
    expect(context).not.toContain(TOKEN);
  });

  it('secrets of a conversation are accepted as texts, values and sources, and never shown (conversation_secrets)', async () => {
    const conversation = await create();
    expect(
      await addSecrets(conversation, {
        secrets: {
          A: 'plain',
          B: { value: 'v2' },
          C: { kind: 'StaticSecret', value: 'v3', description: 'd' },
          D: {
            kind: 'LookupSecret',
            url: 'http://127.0.0.1:1/x',
            headers: { Authorization: 'Bearer zzz', Accept: 'text/plain' },
          },
        },
      }),
    ).toMatchObject({ status: 200, body: { success: true } });
    expect(await conversation.events()).toEqual([]);
    const { secret_registry } = await conversation.info();
    expect(JSON.stringify(secret_registry)).toBe(
      JSON.stringify({
        secret_sources: {
          A: { description: null, value: null, kind: 'StaticSecret' },
          B: { description: null, value: null, kind: 'StaticSecret' },
          C: { description: 'd', value: null, kind: 'StaticSecret' },
          D: {
            description: null,
            url: 'http://127.0.0.1:1/x',
            headers: { Accept: '**********' },
            kind: 'LookupSecret',
          },
        },
      }),
    );
    const problems = async (body: unknown) => {
      const answer = await addSecrets(conversation, body);
      expect(answer.status).toBe(422);
      return (answer.body as { detail: unknown[] }).detail;
    };
    expect(await problems({})).toEqual([
      { type: 'missing', loc: ['body', 'secrets'], msg: 'Field required', input: {} },
    ]);
    expect(await problems({ secrets: { A: 5 } })).toEqual([
      {
        type: 'model_attributes_type',
        loc: ['body', 'secrets', 'A'],
        msg: 'Input should be a valid dictionary or object to extract fields from',
        input: '<redacted>',
      },
    ]);
    expect(await problems({ secrets: { A: { kind: 'Nope', value: 'hush' } } })).toEqual([
      expect.objectContaining({ loc: ['body', 'secrets', 'A'], input: '<redacted>' }),
    ]);
  });

  it('secrets of a conversation are masked on both sockets when a model streams them in pieces', async () => {
    const endpoint = await startScriptedEndpoint();
    try {
      const llm = { model: 'openai/some-model', base_url: endpoint.url, api_key: 'sk-test', stream: true };
      const conversation = await create(undefined, {
        agent: { llm, tools: [] },
        secrets: { PASSPHRASE: { kind: 'StaticSecret', value: 'correct horse battery' } },
      });
      const socket = await conversation.listen();
      const session = await conversation.listen(`/sockets/session/${conversation.id}`);
      await conversation.send(
        'THINK: it is correct horse battery\nSAY: say correct horse battery or correct horse',
      );
      await socket.sees((event) => event.value === 'finished', 'the end');
      await session.sees((frame) => JSON.stringify(frame).includes('"finished"'), 'the end');
      const deltas = socket.events.filter(({ kind }) => kind === 'StreamingDeltaEvent');
      const streamed = (field: string) => deltas.map((event) => (event[field] ?? '') as string).join('');
      expect(streamed('content')).toBe(`say ${HIDDEN} or correct horse`);
      expect(streamed('reasoning_content')).toBe(`it is ${HIDDEN}`);
      const pieces = session.frames.filter(({ type }) => type === 'delta');
      expect(pieces.map(({ content }) => content).join('')).toBe(
        `it is ${HIDDEN}say ${HIDDEN} or correct horse`,
      );
      expect(new Set(pieces.map(({ chunk_id }) => chunk_id))).toEqual(new Set(['chatcmpl-1']));
      const [, message] = await conversation.events('&kind=MessageEvent');
      expect(message).toMatchObject({
        llm_message: {
          content: [{ text: `say ${HIDDEN} or correct horse` }],
          reasoning_content: `it is ${HIDDEN}`,
        },
      });
      expect(Object.keys(message?.['llm_message'] ?? {})).toEqual([
        'role',
        'content',
        'reasoning_content',
        'thinking_blocks',
      ]);
      await Promise.all([socket.close(), session.close()]);
    } finally {
      await endpoint.close();
    }
  });

  it('secrets of a conversation are masked before an output is truncated, and in the file with the whole output', async () => {
    const conversation = await create('RUN: for i in $(seq 3000); do echo "$i $MY_TOKEN"; done\nFINISH: x', {
      secrets: { MY_TOKEN },
    });
    await conversation.reaches('finished');
    const [output] = await observationsOf(conversation);
    const file = /saved to (\S+)/.exec(observationText(output))?.[1] ?? '';
    const whole = await readFile(file, 'utf8');
    expect(whole.split('\n').at(-1)).toBe(`3000 ${HIDDEN}`);
    expect(whole).not.toContain(TOKEN);
    // Truncating in the middle of a value would leave its beginning unmasked.
    expect(observationText(output)).not.toMatch(/s3cr3t|-value-|lue-123/);
  });

  it('secrets of a conversation are masked when a model streams reasoning in the middle of them', async () => {
    const chunks = [{ content: 'say correct ho' }, { reasoning_content: 'hm' }, { content: 'rse battery!' }];
    const frames = chunks.map((delta) => ({
      id: 'c-1',
      choices: [{ index: 0, delta, finish_reason: null }],
    }));
    const end = { id: 'c-1', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };
    const endpoint = await startScriptedEndpoint({ script: [{ sse: [...frames, end] }] });
    try {
      const llm = { model: 'openai/some-model', base_url: endpoint.url, api_key: 'sk-test', stream: true };
      const conversation = await create(undefined, {
        agent: { llm, tools: [] },
        secrets: { PASSPHRASE: { kind: 'StaticSecret', value: 'correct horse battery' } },
      });
      const socket = await conversation.listen();
      await conversation.send('go');
      await socket.sees((event) => event.value === 'finished', 'the end');
      const deltas = socket.events.filter(({ kind }) => kind === 'StreamingDeltaEvent');
      expect(deltas.map(({ content, reasoning_content }) => content ?? reasoning_content)).toEqual([
        'say ',
        'hm',
        `${HIDDEN}!`,
      ]);
      await socket.close();
    } finally {
      await endpoint.close();
    }
  });

  it('secrets of a conversation are masked in skills, memory and rules that the agent reads from workspace files', async () => {
    await writeFiles(workspace, {
      'AGENTS.md': `Use ${TOKEN}.`,
      '.openhands/SOUL.md': `I know ${TOKEN}.`,
      '.openhands/memory/MEMORY.md': `It was ${TOKEN}.`,
      '.agents/skills/zebra.md': `---\ntriggers: [zebra]\n---\nSay ${TOKEN}.`,
      'below/AGENTS.md': `Here ${TOKEN}.`,
      'below/file.txt': 'text',
    });
    const view = JSON.stringify({ command: 'view', path: path.join(workspace, 'below/file.txt') });
    const request = scriptedRequest(workspace, `TOOL: file_editor ${view}\nFINISH: zebra`, {
      secrets: { MY_TOKEN },
    });
    const conversation = await ConversationClient.create(server, {
      ...request,
      agent: { ...request.agent, agent_context: { load_project_skills: true, load_memory: true } },
    });
    await conversation.reaches('finished');
    for (const kind of [
      'ConversationStateUpdateEvent',
      'SystemPromptEvent',
      'MessageEvent',
      'ObservationEvent',
    ]) {
      const events = JSON.stringify(await conversation.events(`&kind=${kind}`));
      expect(events).toContain(HIDDEN);
      expect(events).not.toContain(TOKEN);
    }
  });

  it('secrets of a conversation are masked before a view of a file is truncated', async () => {
    // Of different lengths, so that the text is truncated inside a value.
    const lines = Array.from({ length: 3000 }, (_, index) => `${'-'.repeat(index % 7)}${TOKEN}`);
    const long = TOKEN.repeat(5000);
    const files = { 'lines.txt': lines.join('\n'), 'long.txt': long };
    await writeFiles(workspace, files);
    const paths = Object.keys(files).map((name) => path.join(workspace, name));
    const steps = paths.flatMap((file) => [
      `TOOL: file_editor ${JSON.stringify({ command: 'view', path: file })}`,
      `TOOL: read_file ${JSON.stringify({ file_path: file })}`,
    ]);
    const request = scriptedRequest(workspace, [...steps, 'FINISH: x'].join('\n'), { secrets: { MY_TOKEN } });
    request.agent.tools.push({ name: 'read_file' });
    const conversation = await ConversationClient.create(server, request);
    await conversation.reaches('finished');
    const seen = JSON.stringify(await observationsOf(conversation));
    expect(seen).toContain('<response clipped>');
    expect(seen.replaceAll(HIDDEN, '')).not.toMatch(/s3cr3t|-value-|lue-123/);
  });

  it('secrets of a conversation are masked line by line when they have several lines, and in their JSON form', async () => {
    const [first, second] = ['MIIEowIBAAKCAQEAfirst', 'MIIEowIBAAKCAQEsecond'];
    const key = `-----BEGIN KEY-----\n${first}\n${second}\n-----END KEY-----\n`;
    const quoted = 'pass"word\\with-marks';
    await writeFiles(workspace, { 'key.pem': key, 'key.json': JSON.stringify({ key, quoted }) });
    const file = path.join(workspace, 'key.pem');
    const conversation = await create(
      `RUN: tail -n 2 key.pem; cat key.json\nTOOL: file_editor ${JSON.stringify({ command: 'view', path: file })}\nFINISH: x`,
      {
        secrets: {
          KEY: { kind: 'StaticSecret', value: key },
          QUOTED: { kind: 'StaticSecret', value: quoted },
        },
      },
    );
    await conversation.reaches('finished');
    const [shell, view] = (await observationsOf(conversation)).map(observationText);
    for (const text of [shell, view]) expect(text).not.toMatch(/MIIE|pass|marks/);
    expect(shell).toContain(`{"key":"${HIDDEN}\\n","quoted":"${HIDDEN}"}`);
    expect(view).toContain(`     4\t-----END KEY-----`);
  });

  it('secrets of a conversation survive a kill of the server, encrypted at rest', async () => {
    let own = await ServerProcess.start({ env: { OH_SECRET_KEY: 'a key' } });
    try {
      let conversation = await ConversationClient.create(own, scriptedRequest(workspace));
      await addSecrets(conversation, { secrets: { LATER: 'added-later-456' } });
      await conversation.send('RUN: echo $LATER\nFINISH: x');
      await conversation.reaches('finished');
      await own.end('SIGKILL');
      expect(await textsBelow(own.cwd)).not.toContain('added-later-456');
      own = await ServerProcess.start({ cwd: own.cwd, env: { OH_SECRET_KEY: 'a key' } });
      conversation = conversation.on(own);
      await conversation.send('RUN: test "$LATER" = added-later-456 && echo same $LATER\nFINISH: x');
      await conversation.reaches('finished');
      expect((await observationsOf(conversation)).map(observationText)).toEqual([
        HIDDEN,
        'x',
        `same ${HIDDEN}`,
        'x',
      ]);
      expect(own.log).not.toContain('added-later-456');
    } finally {
      await own.end();
      await rm(own.cwd, { recursive: true, force: true });
    }
  });
});
