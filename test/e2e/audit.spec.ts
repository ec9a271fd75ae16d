import { connect } from 'node:net';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { AuditEntry } from '../../src/storage/index.js';
import { SocketRecorder, scriptedRequest, userMessage } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';

const KEY = 'the-key-of-the-administrator';
const SECRET = 'HIDDEN-in-the-audit-log';

/** The audit log of a server. */
class Audit {
  constructor(readonly server: ServerProcess) {}

  async list(query = ''): Promise<AuditEntry[]> {
    const { status, body } = await this.server.request('GET', `/api/audit?limit=200${query}`);
    expect(status).toBe(200);
    return (body as { items: AuditEntry[] }).items;
  }

  /** Waits for an entry: they are written in the background. */
  async entry(matches: Partial<AuditEntry>, query = ''): Promise<AuditEntry> {
    let found: AuditEntry | undefined;
    await eventually(
      async () => {
        found = (await this.list(query)).find((entry) =>
          Object.entries(matches).every(([name, value]) => entry[name as keyof AuditEntry] === value),
        );
        return found !== undefined;
      },
      `an entry ${JSON.stringify(matches)}`,
    );
    if (!found) throw new Error('the entry is gone');
    return found;
  }
}

describe('the audit log', () => {
  let server: ServerProcess;
  let audit: Audit;

  beforeAll(async () => {
    server = await ServerProcess.start({ key: KEY, env: { SESSION_API_KEY: KEY } });
    audit = new Audit(server);
  });
  afterAll(() => server.stop());

  const create = async (headers?: Record<string, string>) => {
    const request = scriptedRequest(path.join(server.cwd, 'work'));
    const { status, body } = await server.request('POST', '/api/conversations', request, headers);
    expect(status).toBe(201);
    return (body as { id: string }).id;
  };
  const makeKey = async (name: string, scope: string) => {
    const { body } = await server.request('POST', '/api/keys', { name, scope });
    return body as { id: string; key: string };
  };

  it('says who has changed what, from where, and how it ended', async () => {
    const { id: key_id, key } = await makeKey('robot', 'write');
    const conversation_id = await create({ 'x-session-api-key': key });
    const operation = 'Conversations_create';
    expect(await audit.entry({ operation, conversation_id })).toMatchObject({
      ...{ key_id, key_name: 'robot', outcome: 'done', status: 201, count: 1 },
      address: expect.stringMatching(/^127\.0\.0\.1$|^::1$/) as string,
    });
    expect(await audit.entry({ operation: 'Keys_create' })).toMatchObject({ key_id: 'session' });
    await server.request('DELETE', `/api/conversations/${conversation_id}`);
    await audit.entry({ operation: 'Conversations_delete', conversation_id, key_name: 'session' });
    await server.request('DELETE', `/api/conversations/${conversation_id}`);
    await audit.entry({ conversation_id, outcome: 'failed', status: 404 });
    expect((await audit.list('&key=robot')).every((entry) => entry.key_id === key_id)).toBe(true);
  });

  it('records no reading, also none by POST', async () => {
    const id = await create();
    await server.request('GET', `/api/conversations/${id}`);
    await server.request('GET', '/api/settings');
    await server.request('PATCH', `/api/conversations/${id}`, { title: 'changed' });
    await audit.entry({ operation: 'Conversations_update', conversation_id: id });
    const operations = new Set((await audit.list()).map(({ operation }) => operation));
    expect(operations).not.toContain('Conversations_get');
    expect(operations).not.toContain('Settings_get');
    expect(operations).not.toContain('Audit_list');
  });

  it('records messages and refused keys of sockets', async () => {
    const conversation_id = await create();
    const route = `/sockets/events/${conversation_id}`;
    const socket = new SocketRecorder(server.socketUrl(`${route}?session_api_key=${KEY}`));
    await socket.opened();
    socket.socket.send(JSON.stringify(userMessage(`SAY: ${SECRET}`)));
    expect(await audit.entry({ operation: 'Socket_message', conversation_id })).toMatchObject({
      ...{ key_id: 'session', outcome: 'done', status: 200 },
    });
    await socket.close();
    const wrong = new SocketRecorder(server.socketUrl(`${route}?session_api_key=${SECRET}`));
    wrong.socket.on('error', () => undefined);
    await audit.entry({ operation: 'Socket_open', outcome: 'refused', status: 403, key_id: null });
  });

  it('records what a key has no right to, and lets only administrators read the log', async () => {
    const { key } = await makeKey('viewer', 'read');
    const headers = { 'x-session-api-key': key };
    expect((await server.request('GET', '/api/audit', undefined, headers)).status).toBe(403);
    await audit.entry({ operation: 'Audit_list', outcome: 'refused', status: 403, key_name: 'viewer' });
    expect((await server.request('PUT', '/api/settings/secrets', {}, headers)).status).toBe(403);
    expect((await audit.list('&key=viewer')).map(({ outcome }) => outcome)).not.toContain('done');
  });

  it('counts a flood of refused keys instead of listing each', async () => {
    const refused = { 'x-session-api-key': SECRET };
    await Promise.all(
      Array.from({ length: 60 }, () => server.request('GET', '/api/conversations/count', undefined, refused)),
    );
    await audit.entry({ operation: 'Conversations_count', outcome: 'refused', key_id: null });
    const entries = await audit.list('&outcome=refused&operation=count');
    expect(entries.length).toBeLessThanOrEqual(4);
  });

  it('counts clients without a key that leave before they are refused', async () => {
    const { port } = new URL(server.url);
    const head = 'PUT /api/settings/secrets HTTP/1.1\r\nHost: x\r\nX-Session-API-Key: wrong\r\n\r\n';
    const leave = () =>
      new Promise((resolve) => {
        const socket = connect(Number(port), '127.0.0.1').on('error', () => undefined);
        socket.on('close', resolve).write(head, () => socket.destroy());
      });
    await Promise.all(Array.from({ length: 100 }, leave));
    await server.request('PUT', '/api/settings/secrets', { name: 'LAST', value: 'x' });
    await audit.entry({ operation: 'UserSecrets_put', status: 200 });
    const entries = (await audit.list()).filter(({ key_id, operation }) => {
      return key_id === null && /secret/i.test(operation);
    });
    expect(entries.length).toBeLessThanOrEqual(4);
  });

  it('contains no secrets, no bodies and no values of queries', async () => {
    await server.request('PUT', '/api/settings/secrets', { name: 'TOKEN', value: SECRET });
    await server.request('POST', `/api/conversations/${await create()}/events?x=${SECRET}`, {
      ...userMessage(SECRET),
    });
    await audit.entry({ operation: 'Events_send' });
    const folder = path.join(server.cwd, 'persistence', 'audit');
    const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.jsonl'));
    const texts = await Promise.all(names.map((name) => readFile(path.join(folder, name), 'utf8')));
    expect(texts.join('').length).toBeGreaterThan(1000);
    expect(texts.join('')).not.toContain(SECRET);
    expect(texts.join('')).not.toContain(KEY);
  });

  it('answers bad filters with what is wrong', async () => {
    for (const query of ['outcome=x', 'limit=0', 'page_id=x', 'from=yesterday', 'conversation_id=x'])
      expect([query, (await server.request('GET', `/api/audit?${query}`)).status]).toEqual([query, 422]);
  });

  it('shows in the metrics', async () => {
    const { body } = await server.request('GET', '/metrics');
    expect(body).toMatch(/agent_server_audit_entries_total [1-9]/);
    expect(body).toContain('agent_server_key_limit_refusals_total{limit="usd_per_day"} 0');
  });
});

describe('an audit log that cannot be written', () => {
  let server: ServerProcess;
  afterEach(() => server.stop());

  const folder = () => path.join(server.cwd, 'persistence', 'audit');
  /** A file is where the folder has to be. */
  const startBlocked = async (env: Record<string, string> = {}) => {
    server = await ServerProcess.start({ key: KEY, env: { SESSION_API_KEY: KEY, ...env } });
    await mkdir(path.dirname(folder()), { recursive: true });
    await writeFile(folder(), 'in the way');
  };
  const change = () => server.request('PUT', '/api/settings/secrets', { name: 'TOKEN', value: 'x' });
  const remove = () => rm(folder(), { recursive: true, force: true });

  it('lets work go on, says so, and is completed later', async () => {
    await startBlocked();
    expect((await change()).status).toBeLessThan(300);
    await server.logs('the audit log cannot be written: operations go on');
    await remove();
    await server.logs('the audit log is written again');
    expect((await new Audit(server).list('&operation=secret')).length).toBeGreaterThan(0);
  });

  it('refuses changes while it is required, and nothing else', async () => {
    await startBlocked({ OH_AUDIT_REQUIRED: 'true' });
    // The first one is known to have failed when the second one comes.
    await change();
    await server.logs('refused until it can (audit_required)');
    const refused = await change();
    expect(refused).toMatchObject({
      status: 503,
      body: { detail: expect.stringContaining('audit_required') as string },
    });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await server.request('GET', '/api/settings')).status).toBe(200);
    await remove();
    expect((await change()).status).toBeLessThan(300);
  });
});
