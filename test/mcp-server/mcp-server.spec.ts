import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { McpClient } from '../support/mcp-client.js';
import { makeKey, shown } from '../support/named-keys.js';
import { OWN_KEYS_SANDBOX } from '../support/sandbox.js';
import { eventually, ServerProcess } from '../support/server-process.js';

const KEY = 'session-key';
const MIB = 1024 * 1024;
const WRITING = [
  'start_conversation',
  'send_message',
  'respond_to_confirmation',
  'pause_conversation',
  'interrupt_conversation',
  'resume_conversation',
];
const READING = [
  'wait_for_conversation',
  'get_conversation',
  'read_events',
  'list_conversations',
  'list_profiles',
];

describe('the MCP server', () => {
  let server: ServerProcess;
  let mcp: McpClient;

  beforeAll(async () => {
    server = await ServerProcess.start({
      key: KEY,
      env: {
        SESSION_API_KEY: KEY,
        ...OWN_KEYS_SANDBOX,
        OH_OWN_KEYS_LLM_PROFILES_0: 'demo',
        OH_MAX_CONCURRENT_RUNS: '20',
        OH_MAX_BODY_BYTES_IN_FLIGHT: String(32 * MIB),
      },
    });
    const llm = { model: 'scripted/demo', api_key: 'the key of the profile' };
    await server.request('POST', '/api/profiles/demo', { llm, include_secrets: true });
    mcp = await McpClient.connect(server, KEY);
  });
  afterAll(async () => {
    await mcp.close();
    await server.stop();
  });

  /** A conversation whose command runs until `release` is called. */
  const busy = async (more: Record<string, unknown> = {}) => {
    const file = path.join(server.cwd, randomUUID());
    const id = await mcp.start(`RUN: until [ -e ${file} ]; do sleep 0.05; done\nFINISH: done`, more);
    return { id, release: () => writeFile(file, '') };
  };
  const metric = async (name: string): Promise<number> => {
    const text = String((await server.request('GET', '/metrics')).body);
    return Number(new RegExp(`^agent_server_${name} (\\d+)`, 'm').exec(text)?.[1]);
  };
  const waits = (count: number) =>
    eventually(async () => (await metric('rpc_waits')) === count, `${count} waits`);
  const post = (body: unknown, headers: Record<string, string> = {}) =>
    server.request('POST', '/mcp', body, headers);
  const toolCall = (name: string, args: object) => ({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name, arguments: args },
  });

  it('introduces itself and lists its tools with schemas', async () => {
    expect(mcp.client.getServerVersion()).toMatchObject({ name: 'openhands-agent-server' });
    expect(mcp.client.getServerCapabilities()).toEqual({ tools: {} });
    expect(mcp.client.getInstructions()).toContain('start_conversation');
    const { tools } = await mcp.client.listTools();
    expect(tools.map(({ name }) => name).sort()).toEqual([...READING, ...WRITING].sort());
    for (const { inputSchema, outputSchema, annotations, name } of tools) {
      expect([inputSchema.type, outputSchema?.type]).toEqual(['object', 'object']);
      expect(annotations?.readOnlyHint).toBe(READING.includes(name));
    }
  });

  it('starts a conversation, waits for it with progress, sends a message and reads what happened', async () => {
    expect(await mcp.done('list_profiles')).toEqual({ agent_profiles: [], llm_profiles: ['demo'] });
    const { id, release } = await busy({ title: 'A task' });
    const { result: early } = await mcp.call('wait_for_conversation', {
      conversation_id: id,
      timeout_seconds: 0,
    });
    expect(early).toMatchObject({ timed_out: true, is_working: true, title: 'A task' });
    const told: unknown[] = [];
    const waiting = mcp.wait(id, { onprogress: ({ message }) => told.push(message) });
    await eventually(() => told.includes('Step 1: running terminal'), 'the progress');
    await release();
    expect(await waiting).toMatchObject({
      conversation_id: id,
      timed_out: false,
      is_working: false,
      status: 'finished',
      response: 'done',
    });
    await mcp.done('send_message', { conversation_id: id, message: 'SAY: again' });
    expect(await mcp.wait(id)).toMatchObject({ response: 'again' });
    const { conversations } = await mcp.done('list_conversations', { limit: 1 });
    expect(conversations).toMatchObject([{ conversation_id: id }]);
    const page = await mcp.done('read_events', { conversation_id: id, kind: 'message', limit: 1 });
    expect(page['events']).toMatchObject([{ kind: 'message', source: 'agent', text: 'again' }]);
    const next = { conversation_id: id, kind: 'message', limit: 1, page_id: page['next_page_id'] };
    expect((await mcp.done('read_events', next))['events']).toMatchObject([{ text: 'SAY: again' }]);
    const actions = await mcp.done('read_events', { conversation_id: id, kind: 'action' });
    expect(actions['events']).toMatchObject([{ tool: 'finish' }, { tool: 'terminal' }]);
  });

  it('shows pending actions, which are decided before anything else', async () => {
    const request = scriptedRequest(path.join(server.cwd, 'asks'), 'RUN: echo hi\nSAY: first', {
      confirmation_policy: { kind: 'AlwaysConfirm' },
    });
    const { id: conversation_id } = await ConversationClient.create(server, request);
    const state = await mcp.wait(conversation_id);
    expect(state).toMatchObject({ status: 'waiting_for_confirmation', waits_for: 'confirmation' });
    expect(state['pending_actions']).toMatchObject([
      { tool: 'terminal', input: expect.stringContaining('echo hi') as string },
    ]);
    for (const [name, more] of [
      ['send_message', { message: 'go on' }],
      ['resume_conversation', {}],
    ] as const)
      expect((await mcp.call(name, { conversation_id, ...more })).error).toContain(
        'is waiting for confirmation',
      );
    await mcp.done('respond_to_confirmation', { conversation_id, accept: false, reason: 'not now' });
    expect(await mcp.wait(conversation_id)).toMatchObject({ status: 'idle', pending_actions: [] });
    const again = await mcp.call('respond_to_confirmation', { conversation_id, accept: true });
    expect(again.error).toBe(`No action of conversation ${conversation_id} waits for a confirmation.`);
    await mcp.done('send_message', { conversation_id, message: 'RUN: echo ho\nRUN: echo next\nSAY: second' });
    await mcp.wait(conversation_id);
    const accepting = { conversation_id, accept: true, idempotency_key: 'accepted once' };
    await mcp.done('respond_to_confirmation', accepting);
    expect(await mcp.wait(conversation_id)).toMatchObject({ status: 'waiting_for_confirmation' });
    // A repeated call does not accept what waits now, and is no failure when nothing waits any more.
    await mcp.done('respond_to_confirmation', accepting);
    const next = await mcp.wait(conversation_id);
    expect(next['pending_actions']).toMatchObject([
      { input: expect.stringContaining('echo next') as string },
    ]);
    await mcp.done('respond_to_confirmation', { conversation_id, accept: true });
    expect(await mcp.wait(conversation_id)).toMatchObject({ status: 'finished', response: 'second' });
    await mcp.done('respond_to_confirmation', accepting);
  });

  it('interrupts, resumes and pauses', async () => {
    const { id: conversation_id, release } = await busy();
    await mcp.done('interrupt_conversation', { conversation_id });
    expect(await mcp.wait(conversation_id)).toMatchObject({ status: 'paused', is_working: false });
    await release();
    await mcp.done('resume_conversation', { conversation_id });
    expect(await mcp.wait(conversation_id)).toMatchObject({ status: 'finished' });
    await mcp.done('pause_conversation', { conversation_id });
    const { result } = await mcp.call('get_conversation', { conversation_id });
    expect(result).toMatchObject({ is_working: false });
  });

  it('ends a wait that is cancelled, or whose client or key leaves, but not the work', async () => {
    const { id, release } = await busy();
    const cancellation = new AbortController();
    const cancelled = mcp.wait(id, { signal: cancellation.signal }).catch((error: unknown) => String(error));
    await waits(1);
    cancellation.abort('enough');
    expect(await cancelled).toContain('enough');
    await waits(0);
    const other = await McpClient.connect(server, KEY);
    const ofSession = other.wait(id).catch(() => 'ended');
    await waits(1);
    // Refused, which the client takes for a server that does not support it.
    await other.endSession();
    await other.close();
    await waits(0);
    expect(await ofSession).toBe('ended');
    const leaving = new AbortController();
    const left = fetch(`${server.url}/mcp`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...shown(KEY) },
      body: JSON.stringify(toolCall('wait_for_conversation', { conversation_id: id })),
      signal: leaving.signal,
    }).catch(() => 'left');
    await waits(1);
    leaving.abort();
    await waits(0);
    expect(await left).toBe('left');
    const lent = await makeKey(server, { scope: 'read' });
    const ofKey = post(toolCall('wait_for_conversation', { conversation_id: id }), shown(lent.key));
    await waits(1);
    await server.request('DELETE', `/api/keys/${lent.id}`);
    expect((await ofKey).body).toMatchObject({
      result: { isError: true, content: [{ text: 'Unauthorized' }] },
    });
    await release();
    expect(await mcp.wait(id)).toMatchObject({ status: 'finished', response: 'done' });
  });

  it('serves 200 waits at once, all of which end with the run', async () => {
    const { id, release } = await busy();
    const all = Array.from({ length: 200 }, () =>
      post(toolCall('wait_for_conversation', { conversation_id: id })),
    );
    await waits(200);
    expect((await server.request('GET', '/health')).status).toBe(200);
    await release();
    const answers = await Promise.all(all);
    for (const { body } of answers)
      expect(body).toMatchObject({ result: { structuredContent: { status: 'finished' } } });
    await waits(0);
  });

  it('keeps nothing of the bodies of calls that wait', async () => {
    const { id, release } = await busy();
    const call = toolCall('wait_for_conversation', { conversation_id: id });
    const long = { ...call, params: { ...call.params, _meta: { junk: 'x'.repeat(12 * MIB) } } };
    const waiting = [];
    for (let count = 1; count <= 3; count += 1) {
      waiting.push(post(long));
      await waits(count);
    }
    await release();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  it('starts nothing twice with the same key, in the arguments or in the header', async () => {
    const call = toolCall('start_conversation', { message: 'SAY: hi', llm_profile: 'demo' });
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => post(call, { 'Idempotency-Key': 'once' })),
    );
    const results = answers.map(
      ({ body }) => (body as { result: { structuredContent: object } }).result.structuredContent,
    );
    expect(results.filter((result) => 'created' in result && result.created)).toHaveLength(1);
    const again = await mcp.done('start_conversation', {
      message: 'SAY: hi',
      llm_profile: 'demo',
      idempotency_key: 'once',
    });
    expect(results.map((result) => ({ ...result, created: false }))).toEqual(Array(4).fill(again));
    const { conversation_id } = again;
    await mcp.wait(String(conversation_id));
    const message = { conversation_id, message: 'SAY: ho', idempotency_key: 'twice' };
    await Promise.all([mcp.done('send_message', message), mcp.done('send_message', message)]);
    const other = await mcp.call('send_message', { ...message, message: 'SAY: other' });
    expect(other.error).toContain('This key came with another message before');
    await mcp.wait(String(conversation_id));
    const { events } = await mcp.done('read_events', { conversation_id, kind: 'message' });
    expect(events).toHaveLength(4);
  });

  it('lets a key do what its scope and its reach allow, and records what it is refused', async () => {
    const [reader, owner] = await Promise.all([
      makeKey(server, { scope: 'read' }),
      makeKey(server, { scope: 'write', reach: 'own' }),
    ]);
    const ofOthers = await mcp.start('SAY: hi');
    const reading = await McpClient.connect(server, reader.key);
    expect((await reading.names()).sort()).toEqual([...READING].sort());
    expect(await reading.wait(ofOthers)).toMatchObject({ response: 'hi' });
    const refused = await reading.call('start_conversation', { message: 'SAY: no' });
    expect(refused.error).toBe("This key has the scope 'read'; this needs 'write'.");
    const entries = async () => {
      const { body } = await server.request('GET', `/api/audit?key=${reader.id}`);
      return (body as { items: object[] }).items;
    };
    await eventually(async () => (await entries()).length > 0, 'the entry');
    expect(await entries()).toMatchObject([
      { operation: 'Mcp_start_conversation', outcome: 'refused', status: 403 },
    ]);
    const owning = await McpClient.connect(server, owner.key);
    const { error } = await owning.call('get_conversation', { conversation_id: ofOthers });
    expect(error).toBe(`Conversation not found: ${ofOthers}`);
    const own = await owning.start('SAY: mine');
    expect(await owning.wait(own)).toMatchObject({ response: 'mine' });
    const { conversations } = await owning.done('list_conversations');
    expect(conversations).toMatchObject([{ conversation_id: own }]);
    expect((await owning.call('start_conversation', { message: 'x', llm_profile: 'other' })).error).toContain(
      'may not be used with this key',
    );
    await Promise.all([reading.close(), owning.close()]);
  });

  it('can be the MCP server of one of its own agents, which then delegates', async () => {
    const task = { message: 'SAY: from afar', llm_profile: 'demo', title: 'Delegated' };
    const script = `TOOL: start_conversation ${JSON.stringify(task)}\nFINISH: ok`;
    const request = scriptedRequest(path.join(server.cwd, 'delegates'), script);
    const mcp_config = {
      openhands: { url: `${server.url}/mcp`, headers: { Authorization: `Bearer ${KEY}` } },
    };
    const { id } = await ConversationClient.create(server, {
      ...request,
      agent: { ...request.agent, mcp_config },
    });
    expect(await mcp.wait(id)).toMatchObject({ status: 'finished' });
    const { conversations } = await mcp.done('list_conversations', { limit: 2 });
    expect(conversations).toContainEqual(expect.objectContaining({ title: 'Delegated' }));
  });

  describe('refuses', () => {
    const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };

    it('what is no request of the protocol, with errors of JSON-RPC', async () => {
      const cases: [unknown, Record<string, string>, number, number][] = [
        [[ping], {}, 400, -32600],
        [[], {}, 400, -32600],
        ['text', {}, 400, -32600],
        [{ ...ping, jsonrpc: '1.0' }, {}, 400, -32600],
        [{ ...ping, id: null }, {}, 400, -32600],
        [{ ...ping, id: 'x'.repeat(256) }, {}, 400, -32600],
        [{ ...ping, params: { _meta: { progressToken: 'x'.repeat(256) } } }, {}, 400, -32600],
        [ping, { 'mcp-protocol-version': '2099-01-01' }, 400, -32600],
        [ping, { 'idempotency-key': 'x'.repeat(256) }, 422, -32600],
        [ping, { 'content-type': 'text/plain' }, 415, -32600],
        [ping, { origin: 'https://evil.example' }, 403, -32000],
        [ping, shown('wrong'), 401, -32000],
        ['x'.repeat(18 * MIB), {}, 413, -32600],
      ];
      for (const [body, headers, status, code] of cases) {
        const answer = await post(body, headers);
        expect([answer.status, answer.body]).toMatchObject([status, { jsonrpc: '2.0', error: { code } }]);
      }
      const cut = await fetch(`${server.url}/mcp`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...shown(KEY) },
        body: '{"jsonrpc": "2.0", "id": 1',
      });
      expect([cut.status, await cut.json()]).toMatchObject([400, { error: { code: -32700 } }]);
    });

    it('unknown methods, tools and arguments, as the protocol says', async () => {
      const cases: [string, unknown, object][] = [
        ['nope', {}, { error: { code: -32601 } }],
        ['initialize', {}, { error: { code: -32602 } }],
        ['tools/call', { name: 'nope' }, { error: { code: -32602 } }],
        ['tools/call', { name: 'list_profiles', arguments: [] }, { error: { code: -32602 } }],
        ['tools/call', { name: 'list_profiles', arguments: { x: 1 } }, { result: { isError: true } }],
        ['tools/call', { name: 'get_conversation', arguments: {} }, { result: { isError: true } }],
        [
          'tools/call',
          { name: 'get_conversation', arguments: { conversation_id: { toString: 1 } } },
          { result: { isError: true, _meta: { 'openhands/status': 422 } } },
        ],
      ];
      for (const [method, params, expected] of cases) {
        const { status, body } = await post({ ...ping, method, params });
        expect([status, body]).toMatchObject([200, expected]);
      }
      const conversation_id = randomUUID();
      for (const name of [...READING, ...WRITING].filter((one) => /conversation$|message|events/.test(one))) {
        if (name === 'start_conversation') continue;
        const { error } = await mcp.call(name, {
          conversation_id,
          ...(name === 'send_message' && { message: 'x' }),
        });
        expect([name, error]).toEqual([name, `Conversation not found: ${conversation_id}`]);
      }
    });

    it('a stream of its own, the end of a session, and sessions that are none', async () => {
      const session = { 'mcp-session-id': randomUUID() };
      for (const method of ['GET', 'DELETE'])
        expect((await server.request(method, '/mcp', undefined, session)).status).toBe(405);
      expect((await post(ping, { 'mcp-session-id': '../x' })).status).toBe(200);
    });
  });

  it('tells clients that wait that it shuts down', async () => {
    const { id } = await busy();
    const waiting = mcp.wait(id).catch((error: unknown) => String(error));
    await waits(1);
    const ending = server.end();
    expect(await waiting).toContain('The server is shutting down');
    // Its run has a few seconds to end, which the test does not need.
    await server.end('SIGKILL');
    await ending;
  });
});
