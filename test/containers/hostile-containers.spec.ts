import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { WebSocket, WebSocketServer } from 'ws';
import type { AuditEntry } from '../../src/storage/index.js';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { makeKey, shown } from '../support/named-keys.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { ScriptedEngine } from '../support/scripted-engine.js';

const KEY = 'key-of-the-outer-server';
const describeWithContainers = ScriptedEngine.canRun ? describe : describe.skip;

/** What an agent puts into the place of the server in its container. */
class HostileServer {
  readonly requests: IncomingMessage[] = [];
  readonly frames: string[] = [];
  private readonly sockets = new WebSocketServer({ noServer: true });
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => {
      this.requests.push(request);
      const away = request.url?.includes('local') === true ? '/elsewhere' : 'https://thief.invalid/';
      response.writeHead(307, { location: away, 'set-cookie': 'a=b' }).end();
    });
    this.server.on('upgrade', (request: IncomingMessage, socket, head: Buffer) => {
      this.requests.push(request);
      this.sockets.handleUpgrade(request, socket, head, (opened) => {
        opened.on('message', (data: Buffer) => this.frames.push(data.toString()));
      });
    });
  }

  async listen(port: number): Promise<void> {
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
  }

  /** All that it was sent, but for bodies. */
  get seen(): string {
    return JSON.stringify([this.requests.map(({ url, rawHeaders }) => [url, rawHeaders]), this.frames]);
  }

  async close(): Promise<void> {
    for (const socket of this.sockets.clients) socket.terminate();
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

describeWithContainers('A hostile container', () => {
  let engine: ScriptedEngine;
  let server: ServerProcess;
  beforeEach(async () => {
    engine = await ScriptedEngine.start();
    server = await ServerProcess.start({ key: KEY, env: { ...engine.env, SESSION_API_KEY: KEY } });
  });
  afterEach(async () => {
    await server.stop();
    await engine.stop();
  });

  const create = (): Promise<ConversationClient> => {
    const { workspace: _workspace, ...rest } = scriptedRequest('/workspace');
    return ConversationClient.create(server, rest);
  };
  const folderOf = ({ id }: ConversationClient) =>
    path.join(server.cwd, 'workspace/conversations', id.replaceAll('-', ''));

  /** Replaces the server in the only container; the container itself goes on. */
  async function replaceServer(hostile: HostileServer): Promise<ChildProcess> {
    const [container] = engine.containers.values();
    if (!container) throw new Error('no container');
    await engine.kill(container);
    const sleeping = spawn('sleep', ['600'], { stdio: 'ignore' });
    container.child = sleeping;
    await hostile.listen(container.port);
    return sleeping;
  }

  it('gets no key of a client, leads none elsewhere, and its sockets are recorded and limited', async () => {
    const conversation = await create();
    const hostile = new HostileServer();
    await replaceServer(hostile);
    try {
      const asked = (method: string, target: string) =>
        fetch(`${server.url}${target}`, {
          method,
          redirect: 'manual',
          headers: { 'x-session-api-key': KEY, referer: `http://outer/?session_api_key=${KEY}` },
        });
      const away = await asked('GET', `${conversation.route}/workspace/page`);
      expect([away.status, away.headers.get('location'), away.headers.get('set-cookie')]).toEqual([
        ...[307, null, null],
      ]);
      const local = await asked('GET', `${conversation.route}/workspace/local`);
      expect(local.headers.get('location')).toBe('/elsewhere');
      expect((await asked('POST', `${conversation.route}/run?local=1`)).headers.get('location')).toBeNull();

      const { key, id: keyId } = await makeKey(server, { limits: { sockets: 1 } });
      const route = server.socketUrl(`/sockets/events/${conversation.id}`);
      const auth = (value: string) => JSON.stringify({ type: 'auth', session_api_key: value });
      const message = (text: string) => JSON.stringify({ role: 'user', content: text });
      const byHeader = new WebSocket(route, { headers: shown(KEY) });
      await once(byHeader, 'open');
      byHeader.send(auth(KEY));
      byHeader.send(JSON.stringify({ type: 'auth', session_api_key: KEY, content: [] }));
      byHeader.send(message('of the administrator'));
      // In one piece with its key, as many clients send it.
      const byFrame = new WebSocket(route);
      await once(byFrame, 'open');
      byFrame.send(auth(key));
      byFrame.send(message('of a key'));
      await eventually(() => hostile.frames.length >= 2, 'both messages');
      expect(hostile.seen).not.toContain(KEY);
      expect(hostile.seen).not.toContain(key);
      expect(hostile.frames.join()).toContain('of the administrator');
      expect(hostile.frames.join()).toContain('of a key');

      const second = new WebSocket(route, { headers: shown(key) });
      const [{ statusCode }] = (
        await once(
          second.on('error', () => undefined),
          'unexpected-response',
        )
      ).slice(1) as [IncomingMessage];
      expect(statusCode).toBe(429);
      await eventually(async () => {
        const { body } = await server.request('GET', '/api/audit?operation=Socket_message');
        const { items } = body as { items: AuditEntry[] };
        return [keyId, 'session'].every((key_id) =>
          items.some((entry) => entry.key_id === key_id && entry.conversation_id === conversation.id),
        );
      }, 'the messages in the audit log');
      expect((await server.request('DELETE', `/api/keys/${keyId}`)).status).toBeLessThan(300);
      if (byFrame.readyState !== WebSocket.CLOSED) await once(byFrame, 'close');
      byHeader.terminate();
    } finally {
      await hostile.close();
    }
  });

  it('cannot keep others from being listed, whatever it writes about its conversation', async () => {
    const [first, second] = [await create(), await create()];
    const file = path.join(folderOf(first), 'metadata.json');
    const text = await readFile(file, 'utf8');
    const withMore = (more: string) => text.replace('"agent":{', `"agent":{"more":${more},`);
    const deep = 200_000;
    const broken = [
      withMore(JSON.stringify('x'.repeat(9 * 1024 * 1024))),
      withMore('['.repeat(deep) + ']'.repeat(deep)),
    ];
    for (const wrong of broken) {
      expect(wrong).not.toBe(text);
      await writeFile(file, wrong);
      for (const route of ['/api/conversations/search', '/api/conversations/summaries']) {
        const { status, body } = await server.request('GET', route);
        expect([route, status]).toEqual([route, 200]);
        expect(JSON.stringify((body as { items: { id: string }[] }).items.map(({ id }) => id))).toContain(
          second.id,
        );
      }
    }
  });
});
