import { readdir } from 'node:fs/promises';
import { WebSocket } from 'ws';
import { ConversationClient, scriptedRequest, userMessage } from '../support/conversation-client.js';
import { makeKey } from '../support/named-keys.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { openTerminal, TerminalClient } from '../support/terminal-client.js';
import { ScriptedEngine } from '../support/scripted-engine.js';
import { filesBelow } from '../support/texts-below.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

const KEY = 'key-of-the-outer-server';
const MODEL_KEY = 'key-of-the-model';
const SECRET = 'value-of-the-secret';

const describeWithContainers = ScriptedEngine.canRun ? describe : describe.skip;

/** Without bubblewrap `npm run test:container` still tries the same with podman. */
describeWithContainers('Conversations in containers (servers in bubblewrap)', () => {
  let engine: ScriptedEngine;
  let receiver: WebhookReceiver;
  let server: ServerProcess;
  const environment = (more: Record<string, string> = {}) => ({
    ...engine.env,
    SESSION_API_KEY: KEY,
    OH_WEBHOOKS_0_BASE_URL: receiver.url,
    OH_WEBHOOKS_0_FLUSH_DELAY: '0.1',
    OH_WEBHOOKS_0_RETRY_DELAY: '0',
    ...more,
  });
  beforeAll(async () => {
    engine = await ScriptedEngine.start();
    receiver = await WebhookReceiver.start();
    server = await ServerProcess.start({ key: KEY, env: environment() });
  });
  /** The next test begins without conversations and containers. */
  afterEach(async () => {
    engine.intercept = () => false;
    const { body } = await server.request('GET', '/api/conversations/search?limit=100');
    for (const { id } of (body as { items: { id: string }[] }).items)
      await server.request('DELETE', `/api/conversations/${id}`);
    for (const container of containers()) await engine.kill(container);
    engine.containers.clear();
    engine.requests.length = 0;
  });
  afterAll(async () => {
    await server.stop();
    await engine.stop();
    await receiver.down();
  });

  function create(script: string, more: Record<string, unknown> = {}): Promise<ConversationClient> {
    const { workspace: _workspace, agent, ...rest } = scriptedRequest('/workspace', script);
    return ConversationClient.create(server, {
      ...rest,
      agent: { ...agent, llm: { ...agent.llm, api_key: MODEL_KEY } },
      secrets: { TOKEN: { kind: 'StaticSecret', value: SECRET } },
      ...more,
    });
  }

  const answered = (conversation: ConversationClient, text: string): Promise<void> =>
    eventually(async () => {
      const { body } = await server.request('GET', `${conversation.route}/agent_final_response`);
      return (body as { response: string }).response === text;
    }, text);

  const containers = () => [...engine.containers.values()];

  it('run there, are steered and watched from outside, and leave nothing when they are deleted', async () => {
    const conversation = await create(
      'RUN: pwd; ls /var/openhands/conversations; test "$TOKEN" && touch made\nFINISH: one',
    );
    await answered(conversation, 'one');
    expect((await conversation.info())['workspace']).toEqual({
      kind: 'LocalWorkspace',
      working_dir: '/workspace',
    });
    const [container] = containers();
    expect(containers()).toHaveLength(1);
    const { creation } = container ?? {};
    expect(creation?.HostConfig).toMatchObject({
      Memory: 4 * 1024 ** 3,
      NanoCpus: 2e9,
      PidsLimit: 512,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      PortBindings: { '8000/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] },
    });
    expect(creation?.HostConfig.NetworkMode).toBeUndefined();
    const shown = JSON.stringify(creation);
    for (const secret of [KEY, MODEL_KEY, SECRET, 'secret-key-of-the-outer-server'])
      expect(shown).not.toContain(secret);
    expect(creation?.HostConfig.Mounts.map(({ Target }) => Target)).toEqual([
      `/var/openhands/conversations/${conversation.id.replaceAll('-', '')}`,
      '/var/openhands/.openhands',
      '/workspace',
    ]);
    await withoutSecrets(server.cwd);

    const kinds = await watched(server, conversation.id);
    expect(kinds).toEqual(expect.arrayContaining(['MessageEvent', 'ActionEvent', 'ObservationEvent']));
    expect((await server.request('GET', `${conversation.route}/workspace/made`)).status).toBe(200);
    expect((await conversation.post('fork')).status).toBe(501);
    await lookedInto(server, conversation);
    const exposed = await server.request('POST', `${conversation.route}/run`, undefined, {
      'x-expose-secrets': '1',
    });
    expect(exposed.status).toBe(422);

    expect((await server.request('DELETE', conversation.route)).status).toBe(200);
    expect((await server.request('GET', '/api/conversations/count')).body).toBe(0);
    expect(containers()).toEqual([]);
    const hex = conversation.id.replaceAll('-', '');
    const left = await readdir(server.cwd, { recursive: true });
    expect(left.filter((name) => name.includes(hex) && !name.includes('webhooks'))).toEqual([]);
    expect((await server.request('DELETE', conversation.route)).status).toBe(404);
  });

  it('are adopted by the next outer server, which tells webhooks each event once', async () => {
    const conversation = await create('FINISH: one');
    await answered(conversation, 'one');
    server = await server.restart('SIGKILL');
    const restarted = conversation.on(server);
    await eventually(async () => (await status(restarted)) === 'available', 'the adoption');
    await restarted.post('events', userMessage('FINISH: two', true));
    await answered(restarted, 'two');
    expect(engine.requests.filter((line) => line.startsWith('POST /containers/create'))).toHaveLength(1);
    const stored = await storedIds(restarted);
    // An attempt that the kill interrupted may be repeated; nothing is missing or out of order.
    const delivered = () => [...new Set(deliveredIds(receiver, stored))];
    await eventually(() => delivered().length >= stored.length, 'all deliveries');
    expect(delivered()).toEqual(stored);
  });

  it('get another container when theirs has died, with history, files and secrets', async () => {
    const conversation = await create('RUN: echo "$TOKEN" | md5sum > made\nFINISH: one');
    await answered(conversation, 'one');
    const checkpoints = async () => (await server.request('GET', `${conversation.route}/checkpoints`)).body;
    // What a command has changed is found after it has ended.
    await eventually(async () => JSON.stringify(await checkpoints()).includes('"made"'), 'the checkpoint');
    const [first] = containers();
    if (first) await engine.kill(first);
    const script = 'RUN: echo "$TOKEN" | md5sum | cmp - made && touch same\nFINISH: two';
    const sent = await conversation.post('events', userMessage(script, true));
    expect([sent.status, sent.body]).toEqual([200, { success: true }]);
    await answered(conversation, 'two');
    expect((await server.request('GET', `${conversation.route}/workspace/same`)).status).toBe(200);
    expect(containers()).toHaveLength(1);
    expect(containers()[0]?.id).not.toBe(first?.id);
    // The checkpoints of both containers are there, and their files go back.
    expect(await checkpoints()).toMatchObject({
      items: [
        { step: 2, files: [{ path: 'same', change: 'created' }] },
        { step: 1, files: [{ path: 'made', change: 'created' }] },
      ],
    });
    const restored = await conversation.post('restore', { step: '2' });
    expect(restored).toMatchObject({ status: 200, body: { checkpoint: { step: 3 }, failed: [] } });
    expect((await server.request('GET', `${conversation.route}/workspace/same`)).status).toBe(404);
    expect((await server.request('GET', `${conversation.route}/workspace/made`)).status).toBe(200);
  });

  it('are stopped when they are idle, and can be read while the engine is away', async () => {
    server = await server.restart('SIGTERM', { env: environment({ OH_CONVERSATION_IDLE_TTL_SECONDS: '1' }) });
    const conversation = await create('FINISH: one');
    await answered(conversation, 'one');
    await eventually(async () => (await status(conversation)) === 'missing', 'the end of the idle container');
    expect(containers()).toEqual([]);
    await engine.leave();
    expect((await conversation.info()).execution_status).toBe('finished');
    const { body } = await server.request('GET', `${conversation.route}/events/search?kind=MessageEvent`);
    expect((body as { items: [] }).items.length).toBeGreaterThan(0);
    const refused = await conversation.post('run');
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).not.toBeNull();
    await engine.listen();
    await eventually(
      async () => (await conversation.post('events', userMessage('FINISH: two', true))).status === 200,
      'a message',
    );
    await answered(conversation, 'two');
    server = await server.restart('SIGTERM', { env: environment() });
  });

  it('removes containers without a conversation, and no others with its labels', async () => {
    const conversation = await create('FINISH: one');
    await answered(conversation, 'one');
    const [container] = containers();
    if (!container) throw new Error('no container');
    const gone = '3f2c8f0e-5a4b-4c1d-9e6f-7a8b9c0d1e2f';
    const labels = { ...container.creation.Labels, 'ai.openhands.conversation': gone };
    const creation = { ...container.creation, Labels: labels };
    const hex = (id: string) => id.replaceAll('-', '');
    const stray = { ...container, creation, id: 'f'.repeat(64), child: undefined };
    stray.name = container.name.replace(hex(conversation.id), hex(gone));
    // As `docker commit` makes them: an image keeps the labels of the container that it was made from.
    const copy = { ...container, id: 'e'.repeat(64), name: 'copy', child: undefined };
    engine.containers.set(copy.id, copy);
    engine.containers.set(stray.id, stray);
    await eventually(() => !engine.containers.has(stray.id), 'the removal of the stray container');
    expect([...engine.containers.keys()]).toEqual([container.id, copy.id]);
  });

  it('start no other container while their conversation is deleted', async () => {
    const conversation = await create('FINISH: one');
    await answered(conversation, 'one');
    const [container] = containers();
    if (!container) throw new Error('no container');
    let goOn: () => void = () => undefined;
    engine.intercept = ({ method }, response) => {
      if (method !== 'DELETE') return false;
      engine.intercept = () => false;
      const removed = engine.kill(container).then(() => engine.containers.delete(container.id));
      goOn = () => void removed.then(() => response.writeHead(204).end());
      return true;
    };
    const deleted = server.request('DELETE', conversation.route);
    await eventually(() => !engine.containers.has(container.id), 'the removal of the container');
    const runs = [1, 2, 3].map(() => conversation.post('run'));
    await eventually(
      async () => ['missing', 'starting'].includes(String(await status(conversation))),
      'a start that waits',
    );
    goOn();
    expect((await deleted).status).toBe(200);
    for (const { status: refused } of await Promise.all(runs)) expect([404, 409, 502]).toContain(refused);
    expect(containers()).toEqual([]);
    expect((await server.request('GET', conversation.route)).status).toBe(404);
  });

  it('survive an outer server that stops while it adopts them', async () => {
    const conversation = await create('FINISH: one');
    await answered(conversation, 'one');
    // Its port is not known yet, so that the adoption goes on and on.
    engine.intercept = ({ method, url = '' }, response) => {
      if (method !== 'GET' || !/\/containers\/[0-9a-f]{64}\/json/.test(url)) return false;
      const [container] = containers();
      const Config = { Labels: container?.creation.Labels };
      response.end(JSON.stringify({ Id: container?.id, State: { Running: true }, Config }));
      return true;
    };
    const asked = () => engine.requests.filter((line) => /^GET .*[0-9a-f]{64}\/json/.test(line)).length;
    server = await server.restart();
    const before = asked();
    await eventually(() => asked() > before + 1, 'the adoption');
    engine.intercept = () => false;
    server = await server.restart();
    await eventually(
      async () => (await status(conversation.on(server))) === 'available',
      'the next adoption',
    );
    expect(engine.requests.filter((line) => line.startsWith('POST /containers/create'))).toHaveLength(1);
  });

  it('count as conversations of the key that creates them', async () => {
    const request = (more: Record<string, unknown> = {}) => {
      const { workspace: _workspace, ...rest } = scriptedRequest('/workspace');
      return { ...rest, ...more };
    };
    const post = (key: string, body: unknown) =>
      server.request('POST', '/api/conversations', body, { 'x-session-api-key': key });
    const limited = await makeKey(server, { limits: { conversations_per_day: 1 } });
    expect((await post(limited.key, request({ conversation_id: 'no id' }))).status).toBeGreaterThan(399);
    const first = await post(limited.key, request());
    expect(first.status).toBe(201);
    const again = await post(limited.key, request({ conversation_id: (first.body as { id: string }).id }));
    expect(again.status).toBe(200);
    const second = await post(limited.key, request());
    expect([second.status, containers().length]).toEqual([429, 1]);
  });
});

async function status(conversation: ConversationClient): Promise<unknown> {
  const { body } = await conversation.server.request('GET', `${conversation.route}/runtime`);
  return (body as { runtime_status: unknown }).runtime_status;
}

/** The kinds of the stored events, as a socket shows them that sends its key in the first frame. */
async function watched(server: ServerProcess, id: string): Promise<string[]> {
  const kinds: string[] = [];
  const socket = new WebSocket(server.socketUrl(`/sockets/events/${id}?resend_mode=all`));
  socket.once('open', () => socket.send(JSON.stringify({ type: 'auth', session_api_key: KEY })));
  socket.on('message', (data: Buffer) => kinds.push((JSON.parse(data.toString()) as { kind: string }).kind));
  await eventually(() => kinds.includes('ObservationEvent'), 'an observation');
  socket.terminate();
  return kinds;
}

/** A terminal, a watch and a search in the container. */
async function lookedInto(server: ServerProcess, { id, route }: ConversationClient): Promise<void> {
  const headers = { 'X-Session-API-Key': KEY };
  const frames: string[] = [];
  const watch = new WebSocket(server.socketUrl(`/sockets/files/${id}`), { headers });
  watch.on('message', (data: Buffer) => frames.push(data.toString()));
  await eventually(() => frames.join('').includes('"watching"'), 'the watch');
  const terminal = await openTerminal(server, id);
  const client = await new TerminalClient(server, terminal, { headers }).ready();
  client.type('echo needle > /workspace/typed; echo wri""tten; exit 7\r');
  await client.hears('exit', { exit_code: 7 });
  expect(client.text).toContain('written\r\n');
  await eventually(() => frames.join('').includes('"typed"'), 'the change');
  const query = 'path=./&query=needle';
  const found = await fetch(`${server.url}${route}/file/search/content?${query}`, { headers });
  expect(await found.text()).toContain('"path":"typed"');
  watch.terminate();
}

async function storedIds({ server, route }: ConversationClient): Promise<string[]> {
  const { body } = await server.request('GET', `${route}/events/search?limit=100`);
  return (body as { items: { id: string }[] }).items.map(({ id }) => id);
}

function deliveredIds(receiver: WebhookReceiver, stored: readonly string[]): string[] {
  return receiver.received
    .filter((request) => request.path.includes('/events/'))
    .flatMap(({ text }) => (JSON.parse(text) as { id: string }[]).map(({ id }) => id))
    .filter((id) => stored.includes(id));
}

async function withoutSecrets(folder: string): Promise<void> {
  for (const { file, text } of await filesBelow(folder))
    for (const secret of [MODEL_KEY, SECRET]) expect([file, text.includes(secret)]).toEqual([file, false]);
}
