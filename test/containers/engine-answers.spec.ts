import type { ServerResponse } from 'node:http';
import { eventually, ServerProcess } from '../support/server-process.js';
import { scriptedRequest } from '../support/conversation-client.js';
import { ScriptedEngine } from '../support/scripted-engine.js';

/** A request for a conversation; without a workspace it gets a folder of its own. */
function request(more: Record<string, unknown> = {}) {
  const { workspace: _workspace, ...rest } = scriptedRequest('/workspace');
  return { ...rest, ...more };
}

function detailOf(body: unknown): string {
  return String((body as { detail: unknown }).detail);
}

describe('A server whose conversations run in containers', () => {
  let engine: ScriptedEngine;
  let server: ServerProcess;
  beforeEach(async () => {
    engine = await ScriptedEngine.start();
  });
  afterEach(async () => {
    await server.stop();
    await engine.stop();
  });

  async function start(env: Record<string, string> = {}): Promise<void> {
    server = await ServerProcess.start({ env: { ...engine.env, ...env } });
  }

  const reason = async (): Promise<unknown> =>
    ((await server.request('GET', '/server_info')).body as { containers: { reason: unknown } }).containers
      .reason;

  async function isEmpty(): Promise<void> {
    expect((await server.request('GET', '/api/conversations/count')).body).toBe(0);
    expect((await server.request('GET', '/api/conversations/search')).body).toEqual({
      items: [],
      next_page_id: null,
    });
    expect([...engine.containers]).toEqual([]);
  }

  it('says that the engine is away, is not ready, and becomes so when it is there', async () => {
    await engine.leave();
    await start();
    await eventually(async () => String(await reason()).includes('there is no socket at'), 'the reason');
    const ready = await server.request('GET', '/ready');
    expect(ready.status).toBe(503);
    expect((ready.body as { message: string }).message).toContain(engine.socket);
    const refused = await server.request('POST', '/api/conversations', request());
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).not.toBeNull();
    expect(detailOf(refused.body)).toMatch(/^The container engine is not available: there is no socket at /);
    await engine.listen();
    await eventually(async () => (await server.request('GET', '/ready')).status === 200, 'ready');
    expect(await reason()).toBeNull();
    // What the failed creation could not look after is gone with the engine's return.
    await eventually(
      async () => (await server.request('GET', '/api/conversations/count')).body === 0,
      'empty',
    );
    await isEmpty();
  });

  it('creates nothing in this process, and names what is wrong with a request', async () => {
    await start();
    // Runs of automations would be conversations of this process.
    const automation = { name: 'Digest', prompt: 'Look.', trigger: { type: 'manual' } };
    const refused = await server.request('POST', '/api/automation/v1/preset/prompt', automation);
    expect([refused.status, detailOf(refused.body)]).toEqual([
      501,
      expect.stringContaining('conversation_runtime: docker'),
    ]);
    const offered = await server.request('GET', '/api/automation/v1/capabilities');
    expect(offered.body).toMatchObject({ ready: false });
    const create = (more: Record<string, unknown>) =>
      server.request('POST', '/api/conversations', request(more));
    const details: [Record<string, unknown>, string | RegExp][] = [
      [{ conversation_runtime: 'local' }, 'This server only runs docker conversations'],
      [{ workspace: { working_dir: 'relative' } }, 'Conversation workspace must be absolute'],
      [{ workspace: { working_dir: '/etc' } }, /^Conversation workspace must lie in one of the folders/],
      [{ workspace: { working_dir: '/' } }, /^Conversation workspace must lie in one of the folders/],
      [{ workspace: { kind: 'RemoteWorkspace' } }, 'Docker conversations require a local workspace'],
      [
        { parent_conversation_id: '3f2c8f0e-5a4b-4c1d-9e6f-7a8b9c0d1e2f' },
        'Docker conversations cannot have a parent conversation',
      ],
    ];
    for (const [more, expected] of details) {
      const { status, body } = await create(more);
      expect(status).toBe(422);
      expect(detailOf(body)).toMatch(expected);
    }
    expect((await create({ container: { memory: 'much' } })).status).toBe(422);
    expect((await server.request('POST', '/v1/chat/completions', { model: 'm', messages: [] })).status).toBe(
      501,
    );
    await isEmpty();
  });

  it('says which image is missing, and how to make it', async () => {
    await start({ OH_CONVERSATION_IMAGE: 'missing' });
    const { status, body } = await server.request('POST', '/api/conversations', request());
    expect(status).toBe(502);
    expect(detailOf(body)).toMatch(/no image missing.*docker build/s);
    await isEmpty();
  });

  it('logs the last output of a container that has ended, bounded and in one line', async () => {
    engine.intercept = ({ method, url }, response) => {
      if (method === 'POST' && url?.endsWith('/start') === true) response.writeHead(204).end();
      else if (url?.includes('/logs') === true)
        response.end(`${'x'.repeat(100_000)}\x1b[2J\r\n2026-11-28 ERROR [Forged] line\n`);
      else return false;
      return true;
    };
    await start();
    expect((await server.request('POST', '/api/conversations', request())).status).toBe(502);
    const line = () => server.log.split('\n').find((text) => text.includes('its last output'));
    await eventually(() => line() !== undefined, 'the line in the log');
    expect(line()).toContain('\\u001b[2J\\r\\n2026-11-28 ERROR [Forged] line');
    expect(line()?.length).toBeLessThan(6_000);
    await isEmpty();
  });

  const nonsense: [string, (response: ServerResponse) => void][] = [
    ['text', (response) => response.end('garbage')],
    ['another kind of JSON', (response) => response.end('[1, null, {"Id": 5}]')],
    ['nothing', (response) => response.end('null')],
    ['an error page', (response) => response.writeHead(500).end('<html>')],
    [
      'half an answer',
      (response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('{"Id"', () => response.socket?.destroy());
      },
    ],
    ['no HTTP', (response) => response.socket?.end('SSH-2.0-OpenSSH\r\n')],
  ];
  it('is not harmed by an engine that answers with nonsense', async () => {
    await start();
    for (const [what, answer] of nonsense) {
      engine.intercept = (_request, response) => {
        answer(response);
        return true;
      };
      const started = performance.now();
      const { status, body } = await server.request('POST', '/api/conversations', request());
      expect([what, [502, 503].includes(status)]).toEqual([what, true]);
      expect(detailOf(body)).toMatch(/container engine/);
      // No time limit has ended it.
      expect(performance.now() - started).toBeLessThan(20_000);
      expect((await server.request('GET', '/alive')).status).toBe(200);
      expect((await server.request('GET', '/api/conversations/count')).body).toBe(0);
    }
  });

  it('reads no more of an answer than a list of containers can be', async () => {
    const piece = Buffer.alloc(64 * 1024, 0x20);
    let sent = 0;
    engine.intercept = (_request, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(piece)) sent += piece.length;
      };
      response.on('drain', more).on('error', () => undefined);
      more();
      return true;
    };
    await start();
    const { status, body } = await server.request('POST', '/api/conversations', request());
    expect(status).toBe(503);
    expect(detailOf(body)).toMatch(/longer than \d+ bytes/);
    // Two requests, each with what the buffers of the system hold beside the limit.
    expect(sent).toBeLessThan(120 * 1024 * 1024);
  });
});
