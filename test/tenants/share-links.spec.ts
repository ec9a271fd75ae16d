import { scriptedRequest, SocketRecorder, userMessage } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { makeKey, shown } from '../support/named-keys.js';
import { ADMIN_KEY, Tenant } from '../support/tenants.js';

const SECRET = 'a-secret-value-of-the-conversation';
/** A link as it is made. */
interface Link {
  id: string;
  token: string;
  path: string;
  expires_at: string;
}

describe('a share link', () => {
  let server: ServerProcess;
  let admin: Tenant;
  let id: string;
  let another: string;

  beforeAll(async () => {
    server = await ServerProcess.start({
      key: ADMIN_KEY,
      env: { SESSION_API_KEY: ADMIN_KEY, OH_SECRET_KEY: 'the secret key of the server' },
    });
    admin = Tenant.admin(server);
    const secrets = { API_TOKEN: { kind: 'StaticSecret', value: SECRET } };
    const script = 'RUN: pwd; echo $API_TOKEN; echo shared text\nFINISH: done';
    const create = (working_dir: string) =>
      admin.json<{ id: string }>(
        'POST',
        '/api/conversations',
        scriptedRequest(working_dir, script, { secrets }),
      );
    id = (await create(`${server.cwd}/project`)).id;
    another = (await create(`${server.cwd}/another`)).id;
    await finished(id);
  });
  afterAll(() => server.stop());

  async function finished(conversation: string): Promise<void> {
    await eventually(async () => {
      const info = await admin.json<{ execution_status: string }>(
        'GET',
        `/api/conversations/${conversation}`,
      );
      return info.execution_status === 'finished';
    }, 'the end of the run');
  }

  const make = (more: object = {}): Promise<Link> =>
    admin.json<Link>('POST', `/api/conversations/${id}/shares`, { expires_in: 3600, ...more });

  async function read(route: string, token: string): Promise<{ status: number; text: string }> {
    const response = await fetch(`${server.url}${route}`, { headers: { 'x-share-token': token } });
    return { status: response.status, text: await response.text() };
  }

  it('shows title, state and events, without secrets, paths, prompt and configuration', async () => {
    const { token, path } = await make();
    expect(path).toBe(`/console/shared/${id}#${token}`);
    const info = await read(`/api/shared/${id}`, token);
    expect(JSON.parse(info.text)).toEqual({
      id,
      title: null,
      execution_status: 'finished',
      created_at: expect.any(String) as string,
      updated_at: expect.any(String) as string,
      model: 'scripted/test',
    });
    const { status, text } = await read(`/api/shared/${id}/events`, token);
    expect(status).toBe(200);
    expect(text).toContain('shared text');
    expect(text).toContain('<workspace>');
    for (const hidden of [SECRET, server.cwd, '"system_prompt":{"type":"text","text":"You'])
      expect(text).not.toContain(hidden);
    const page = await read(`/api/shared/${id}/events?limit=2`, token);
    const { items, next_page_id } = JSON.parse(page.text) as { items: unknown[]; next_page_id: string };
    expect(items).toHaveLength(2);
    const next = await read(`/api/shared/${id}/events?limit=2&page_id=${next_page_id}`, token);
    expect((JSON.parse(next.text) as { items: { id: string }[] }).items[0]?.id).toBe(next_page_id);
  });

  it('opens nothing else', async () => {
    const { token } = await make();
    for (const route of [`/api/shared/${another}`, `/api/shared/${another}/events`, '/api/shared/x'])
      expect([route, (await read(route, token)).status]).toEqual([route, 401]);
    const headers: Record<string, string>[] = [
      { 'x-share-token': token },
      { 'x-session-api-key': token },
      { authorization: `Bearer ${token}` },
    ];
    for (const sent of headers) {
      for (const route of [
        `/api/conversations/${id}`,
        `/api/conversations/${id}/events/search`,
        `/api/conversations/${id}/shares`,
        '/api/conversations/search',
        '/api/settings',
        '/server_info',
        '/metrics',
      ]) {
        const { status } = await fetch(server.url + route, { headers: sent });
        // Some facts about the server need no key.
        const open = await fetch(server.url + route);
        expect([route, status]).toEqual([route, open.status === 200 ? 200 : 401]);
        await open.arrayBuffer();
      }
    }
    for (const wrong of ['', 'x', token.slice(0, -1), `${token}A`, token.toUpperCase()])
      expect((await read(`/api/shared/${id}`, wrong)).status).toBe(401);
    const socket = new SocketRecorder(server.socketUrl(`/sockets/session/${id}?session_api_key=${token}`));
    await expect(socket.opened()).rejects.toThrow();
  });

  it('is followed live, and ends when it is revoked', async () => {
    const { token, id: shareId } = await make();
    const url = server.socketUrl(`/sockets/shared/${id}?after_seq=-1&share_token=${token}`);
    const socket = new SocketRecorder(url);
    await socket.opened();
    const before = (JSON.parse((await read(`/api/shared/${id}/events`, token)).text) as { items: unknown[] })
      .items;
    await eventually(() => socket.frames.length > before.length, 'the replay');
    expect(socket.frames.slice(1, before.length + 1).map(({ event }) => event)).toEqual(before);
    // What it sends has no effect.
    socket.socket.send(JSON.stringify(userMessage('from a guest')));
    await admin.json('POST', `/api/conversations/${id}/events`, userMessage('RUN: pwd\nFINISH: live', true));
    await eventually(() => JSON.stringify(socket.frames).includes('FINISH: live'), 'the live event');
    await finished(id);
    expect(JSON.stringify(socket.frames)).not.toContain(server.cwd);
    expect(JSON.stringify(socket.frames)).not.toContain('from a guest');
    expect(JSON.stringify(await admin.json('GET', `/api/conversations/${id}/shares`))).toContain(shareId);
    await admin.json('DELETE', `/api/conversations/${id}/shares/${shareId}`);
    expect((await read(`/api/shared/${id}`, token)).status).toBe(401);
    await eventually(() => socket.closeCode !== undefined, 'the close after the revocation');
    expect(socket.closeCode).toBe(4001);
    expect((await admin.ask('DELETE', `/api/conversations/${id}/shares/${shareId}`)).status).toBe(404);
  });

  it('ends with the key that made it', async () => {
    const ends: [name: string, end: (key: string) => Promise<unknown>][] = [
      ['revoked', (key) => admin.ask('DELETE', `/api/keys/${key}`)],
      [
        'expired',
        (key) =>
          admin.json('PATCH', `/api/keys/${key}`, { expires_at: new Date(Date.now() + 500).toISOString() }),
      ],
    ];
    const each = ends.map(async ([name, end]) => {
      const maker = await makeKey(server, { name });
      const answer = await admin.ask('POST', `/api/conversations/${id}/shares`, {}, shown(maker.key));
      const link = JSON.parse(answer.text) as Link & { created_by: string };
      expect(link.created_by).toBe(name);
      const socket = new SocketRecorder(server.socketUrl(`/sockets/shared/${id}?share_token=${link.token}`));
      await socket.opened();
      expect((await read(`/api/shared/${id}`, link.token)).status).toBe(200);
      await end(maker.id);
      await eventually(async () => (await read(`/api/shared/${id}`, link.token)).status === 401, name);
      await eventually(() => socket.closeCode !== undefined, `the close of the socket: ${name}`);
      expect(socket.closeCode).toBe(4001);
      expect((await admin.ask('GET', `/api/conversations/${id}/shares`)).text).not.toContain(link.id);
    });
    await Promise.all(each);
  });

  it('has bounds, and is in no log', async () => {
    for (const expires_in of [0, 59, 100 * 24 * 3600, 'x'])
      expect((await admin.ask('POST', `/api/conversations/${id}/shares`, { expires_in })).status).toBe(422);
    const { token } = await make();
    await read(`/api/shared/${id}`, token);
    const socket = new SocketRecorder(server.socketUrl(`/sockets/shared/${id}?share_token=${token}`));
    await socket.opened();
    socket.socket.terminate();
    expect(await server.flushedLog()).not.toContain(token);
    const listed = await admin.ask('GET', `/api/conversations/${id}/shares`);
    expect(listed.text).not.toContain(token);
  });

  it('ends with its conversation, also if another one gets the same id', async () => {
    const made = await admin.json<{ id: string }>('POST', '/api/conversations', scriptedRequest('short'));
    const route = `/api/conversations/${made.id}`;
    const { token } = await admin.json<Link>('POST', `${route}/shares`, {});
    expect((await read(`/api/shared/${made.id}`, token)).status).toBe(200);
    await admin.json('DELETE', route);
    expect((await read(`/api/shared/${made.id}`, token)).status).toBe(401);
    await admin.json('POST', '/api/conversations', { ...scriptedRequest('short'), conversation_id: made.id });
    expect((await read(`/api/shared/${made.id}`, token)).status).toBe(401);
  });
});
