import { once } from 'node:events';
import { WebSocket } from 'ws';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';

type Line = Record<string, unknown>;

/** The lines of a log in JSON. */
function linesOf(server: ServerProcess): Line[] {
  return server.log
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
}

/** Waits for a line: lines are written a moment after what they report. */
async function lineWith(server: ServerProcess, expected: Line): Promise<Line> {
  const matches = (line: Line) => Object.entries(expected).every(([name, value]) => line[name] === value);
  await eventually(() => linesOf(server).some(matches), JSON.stringify(expected));
  return linesOf(server).find(matches) ?? {};
}

const OWN_ID = /^[\da-f]{32}$/;

describe('the log', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start({ env: { OH_SECRET_KEY: 'key', OH_MAX_CONCURRENT_RUNS: '3' } });
  });
  afterAll(() => server.stop());

  it('logs at start who has access and where the configuration comes from', () => {
    const messages = linesOf(server).map(({ message }) => message);
    expect(messages).toContain(
      'configuration: workspace/openhands_agent_server_config.json (not found), OH_MAX_CONCURRENT_RUNS, OH_SECRET_KEY, OH_UI_PATH_IS_NONE',
    );
    expect(messages).toContainEqual(expect.stringMatching(/^access: /));
    expect(linesOf(server).at(-1)?.['message']).toMatch(/listening on http/);
  });

  it('logs one line for each request, with its id', async () => {
    const { headers } = await server.request('GET', '/server_info?token=abc&x=1');
    const id = headers.get('x-request-id');
    expect(id).toMatch(OWN_ID);
    const line = await lineWith(server, { request_id: id });
    expect(line).toMatchObject({
      level: 'info',
      context: 'Http',
      method: 'GET',
      path: '/server_info?token=<redacted>&x=1',
      status: 200,
      client: '127.0.0.1',
    });
    expect(line['time']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(line['duration_ms']).toBeGreaterThan(0);
    expect(line['message']).toMatch(/^GET \/server_info\?token=<redacted>&x=1 200 in [\d.]+ ms$/);
  });

  it('uses the request id of the caller when it is valid, also for unknown routes', async () => {
    const given = { 'x-request-id': 'trace-1:2.3' };
    const { status, headers } = await server.request('GET', '/nowhere', undefined, given);
    expect([status, headers.get('x-request-id')]).toEqual([404, 'trace-1:2.3']);
    expect(await lineWith(server, { request_id: 'trace-1:2.3' })).toMatchObject({ status: 404 });
    const odd = await server.request('GET', '/nowhere', undefined, { 'x-request-id': 'two words' });
    expect(odd.headers.get('x-request-id')).toMatch(OWN_ID);
  });

  it('does not log probes', async () => {
    await server.request('GET', '/health');
    const { headers } = await server.request('GET', '/server_info');
    await lineWith(server, { request_id: headers.get('x-request-id') });
    expect(server.log).not.toContain('/health');
  });

  it('logs runs and sockets with the id of their conversation', async () => {
    const conversation = await ConversationClient.create(server, scriptedRequest(server.cwd, 'FINISH: done'));
    const { id } = conversation;
    await conversation.reaches('finished');
    const started = await lineWith(server, {
      message: `run of conversation ${id} started`,
      conversation_id: id,
    });
    expect(await lineWith(server, { request_id: started['request_id'], method: 'POST' })).toMatchObject({
      path: '/api/conversations',
      status: 201,
    });
    const ended = await lineWith(server, { context: 'Runs', status: 'finished', conversation_id: id });
    expect(ended['message']).toMatch(/ended after \d+\.\d s: finished$/);
    expect(ended).not.toHaveProperty('request_id');

    const failing = await ConversationClient.create(
      server,
      scriptedRequest(server.cwd, 'FAIL: 400 no entry with sk-hidden-value', {
        secrets: { KEY: { kind: 'StaticSecret', value: 'sk-hidden-value' } },
      }),
    );
    const failed = await lineWith(server, { context: 'Runs', status: 'error', conversation_id: failing.id });
    expect(failed['reason']).toMatch(/^LLMBadRequestError: .* no entry with <secret-hidden>$/);
    expect(failed['message']).toMatch(/ended after \d+\.\d s: error: LLMBadRequestError: .*<secret-hidden>$/);

    const { socket } = await conversation.listen(`/sockets/events/${id}?session_api_key=abc`);
    const opened = await lineWith(server, { message: `socket of conversation ${id} opened` });
    expect(opened['path']).toBe(`/sockets/events/${id}?session_api_key=<redacted>`);
    socket.close(4321, 'forged\n{"level":"info"}');
    const closed = await lineWith(server, { code: 4321, request_id: opened['request_id'] });
    expect(closed['message']).toBe(
      `socket of conversation ${id} closed with 4321, by the client: forged\n{"level":"info"}`,
    );

    const missing = new WebSocket(server.socketUrl('/sockets/events/00000000-0000-4000-8000-000000000000'));
    await once(missing, 'close');
    const rejected = await lineWith(server, { code: 4004 });
    expect(rejected['message']).toMatch(/closed with 4004, by the server: Conversation not found$/);

    const refused = new WebSocket(server.socketUrl('/sockets/events/nonsense?key=abc'));
    await once(refused, 'error');
    await lineWith(server, { status: 403, path: '/sockets/events/nonsense?key=<redacted>' });
  });

  it('logs the end of the server last', async () => {
    expect(await server.end()).toBe(0);
    expect(linesOf(server).at(-1)).toMatchObject({ context: 'Shutdown', message: 'done' });
  });
});

/**
 * After SIGUSR2 a promise is rejected, and reading the version of Node throws, so that `/server_info` fails:
 * no request causes an unhandled rejection or an unexpected error by itself.
 */
const FAILING = `const { version } = process; let fails = false;
  process.on("SIGUSR2", () => { fails = true; void Promise.reject(new Error("nobody waited")); });
  Object.defineProperty(process, "version", { get() { if (fails) throw new Error("unforeseen"); return version; } });`;

async function startFailing(env: Record<string, string>): Promise<ServerProcess> {
  const preload = `--import=data:text/javascript,${encodeURIComponent(FAILING)}`;
  const server = await ServerProcess.start({ env: { NODE_OPTIONS: preload, ...env } });
  process.kill(server.pid, 'SIGUSR2');
  await eventually(async () => (await server.request('GET', '/server_info')).status === 500);
  return server;
}

describe('unforeseen failures', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await startFailing({ DEBUG: '0', LOG_LEVEL: 'chatty', LOG_JSON: 'perhaps' });
  });
  afterAll(async () => {
    const code = await server.end();
    await server.stop();
    expect(code).toBe(0);
  });

  it('answers an unexpected error with an id under which the log has the stack', async () => {
    const { status, headers, body } = await server.request('GET', '/server_info');
    const id = headers.get('x-request-id');
    expect(status).toBe(500);
    expect(Object.keys(body as object)).toEqual(['detail', 'exception', 'error_id']);
    expect(body).toMatchObject({ detail: 'Internal Server Error', error_id: id });
    const line = await lineWith(server, { level: 'error', request_id: id, context: 'Http' });
    expect(line['stack']).toMatch(/^\w*Error: .*\n +at /s);
  });

  it('logs and counts an unhandled rejection, and keeps running', async () => {
    const line = await lineWith(server, { level: 'error', message: 'unhandled rejection' });
    expect(line['stack']).toMatch(/^Error: nobody waited\n +at /);
    expect((await server.request('GET', '/alive')).status).toBe(200);
    const { body } = await server.request('GET', '/metrics');
    expect(body).toContain('\nagent_server_unhandled_rejections_total 1\n');
  });

  it('warns about invalid values of LOG_LEVEL and LOG_JSON', async () => {
    await server.logs('LOG_LEVEL: expected error, warn, info or debug, got \\"chatty\\"; info is used');
    await server.logs('LOG_JSON: expected 1 or 0, got \\"perhaps\\"; it is ignored');
  });
});

describe('a server with DEBUG and LOG_LEVEL=DEBUG', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await startFailing({ DEBUG: 'True', LOG_LEVEL: 'DEBUG' });
  });
  afterAll(() => server.stop());

  it('shows the client the stack of an unexpected error, under an id of its own', async () => {
    const { body, headers } = await server.request('GET', '/server_info', undefined, {
      'x-request-id': 'mine',
    });
    const { error_id, traceback } = body as Record<string, string>;
    expect(error_id).toMatch(OWN_ID);
    expect(traceback).toMatch(/\n +at /);
    expect(headers.get('x-request-id')).toBe('mine');
    await lineWith(server, { level: 'error', request_id: 'mine', error_id });
  });

  it('logs probes', async () => {
    await server.request('GET', '/health');
    await lineWith(server, { level: 'debug', path: '/health' });
  });
});

describe('a server with LOG_JSON=0', () => {
  it('writes readable lines', async () => {
    const server = await ServerProcess.start({ env: { LOG_JSON: '0' } });
    await server.request('GET', '/server_info');
    const request =
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} INFO {2}\[Http\] GET \/server_info 200 in .* ms \(request [\da-f]{32}\)$/m;
    await eventually(() => request.test(server.log));
    await server.stop();
  });
});
