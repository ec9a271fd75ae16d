import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  brief,
  ConversationClient,
  messageText,
  scriptedRequest,
  type SeenEvent,
} from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';

describe('a conversation after the end of its server', () => {
  let folder: string;
  let workspace: string;
  const servers: ServerProcess[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-'));
    workspace = path.join(folder, 'work');
  });
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
    await rm(folder, { recursive: true, force: true });
  });

  const start = async (env: Record<string, string> = {}): Promise<ServerProcess> => {
    const server = await ServerProcess.start({ cwd: folder, env });
    servers.push(server);
    return server;
  };

  it('is unchanged after a graceful stop, and paused if it was running', async () => {
    const first = await start();
    const done = await ConversationClient.create(
      first,
      scriptedRequest(workspace, 'RUN: echo x\nFINISH: ok'),
    );
    await done.reaches('finished');
    const running = await ConversationClient.create(
      first,
      scriptedRequest(workspace, 'RUN: sleep 1000\nSAY: end'),
    );
    await running.reaches('running');
    await running.startsTool();
    const socket = await done.listen();
    const [events, info] = [await done.events(), await done.info()];
    expect(await first.end('SIGTERM')).toBe(0);
    expect(socket.closeCode).toBe(1012);

    const second = await start();
    expect(await done.on(second).events()).toEqual(events);
    expect(await done.on(second).info()).toEqual(info);
    expect(await running.on(second).status()).toBe('paused');
    await done.on(second).send('RUN: echo again\nFINISH: ok');
    await done.on(second).reaches('finished');
  });

  it('shows the same events when the index of its log was damaged', async () => {
    const first = await start();
    const long = await ConversationClient.create(first, scriptedRequest(workspace));
    await Promise.all(Array.from({ length: 300 }, (_, n) => long.send(`message ${n}`, false)));
    const events = await long.events();
    const stored = path.join(folder, 'workspace/conversations', long.id.replaceAll('-', ''));
    expect(await first.end('SIGTERM')).toBe(0);
    const index = path.join(stored, 'events.index');
    const bytes = await readFile(index);
    for (const content of [bytes, bytes.subarray(0, 1000), Buffer.from('of something else')]) {
      await writeFile(index, content);
      const next = await start();
      expect(await long.on(next).events()).toEqual(events);
      expect(await long.on(next).events('&kind=MessageEvent')).toHaveLength(300);
      expect(await next.end('SIGTERM')).toBe(0);
    }
  });

  it('is not deleted while the server is closing it', async () => {
    const first = await start();
    const running = await ConversationClient.create(
      first,
      scriptedRequest(workspace, 'RUN: sleep 1000\nSAY: end'),
    );
    await running.startsTool();
    const socket = await running.listen();
    const ended = first.end('SIGTERM');
    await eventually(() => Promise.resolve(socket.closeCode !== undefined), 'the end of the sockets');
    // A new connection is not taken any more; one that is open already may be.
    const status = await first.request('DELETE', running.route).then(
      (answer) => answer.status,
      () => undefined,
    );
    expect(status).not.toBe(200);
    expect(await ended).toBe(0);
    const second = await start();
    expect(await running.on(second).status()).toBe('paused');
  });

  it('has every acknowledged event after kill -9 during a run, an error about it, and can continue', async () => {
    const first = await start();
    const conversation = await ConversationClient.create(
      first,
      scriptedRequest(workspace, 'RUN: echo one\nRUN: sleep 1000\nSAY: end'),
    );
    const socket = await conversation.listen(`/sockets/session/${conversation.id}?after_seq=-1`);
    await eventually(
      () => Promise.resolve(durable(socket.frames).filter(({ kind }) => kind === 'ActionEvent').length === 2),
      'the second action',
    );
    await first.end('SIGKILL');
    const seen = durable(socket.frames);

    const second = await start();
    const after = conversation.on(second);
    await after.reaches('paused');
    const events = await after.events();
    expect(events.slice(0, seen.length)).toEqual(seen);
    expect(events.slice(seen.length).map(brief)).toEqual([
      'AgentErrorEvent',
      'ConversationErrorEvent',
      'execution_status=paused',
    ]);
    expect(events.at(-2)).toMatchObject({
      code: 'ServerRestarted',
      classification: { retryable: true, user_action: 'retry' },
    });
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    await after.send('RUN: echo back\nFINISH: ok');
    await after.reaches('finished');
    const lines = await readFile(
      path.join(folder, (await after.info()).persistence_dir, 'events.jsonl'),
      'utf8',
    );
    expect(lines.trimEnd().split('\n')).toHaveLength((await after.events()).length);
  });

  it('loses no acknowledged message over many kills', async () => {
    let server = await start();
    const { id } = await ConversationClient.create(server, scriptedRequest(workspace));
    const acknowledged: string[] = [];
    for (let round = 0; round < 5; round++) {
      const client = new ConversationClient(server, id);
      const killAfter = 20 + round * 17;
      let sent = 0;
      let alive = true;
      const senders = Array.from({ length: 4 }, async (_, sender) => {
        for (let index = 0; alive; index++) {
          const text = `${round}-${sender}-${index}`;
          try {
            await client.send(text, false);
          } catch {
            return;
          }
          acknowledged.push(text);
          sent += 1;
          if (sent === killAfter) {
            alive = false;
            void server.end('SIGKILL');
          }
        }
      });
      await Promise.all(senders);
      await server.end('SIGKILL');
      server = await start();
    }
    const texts = (await new ConversationClient(server, id).events('&kind=MessageEvent')).map(messageText);
    expect(texts).toEqual(expect.arrayContaining(acknowledged));
    expect(new Set(texts).size).toBe(texts.length);
    expect(acknowledged.length).toBeGreaterThan(200);
  });

  it('shows a message without a run after kill -9, without being opened', async () => {
    const first = await start();
    const conversation = await ConversationClient.create(first, scriptedRequest(workspace, 'FINISH: ok'));
    await conversation.reaches('finished');
    await conversation.send('SAY: later', false);
    const { last_user_message_id: id } = await conversation.info();
    const file = path.join(folder, (await conversation.info()).persistence_dir, 'metadata.json');
    await eventually(async () => (await readFile(file, 'utf8')).includes(String(id)), 'the snapshot');
    await first.end('SIGKILL');
    const second = await start();
    expect(await conversation.on(second).info()).toMatchObject({
      last_user_message_id: id,
      execution_status: 'idle',
    });
    expect((await second.request('GET', '/api/conversations/count?status=idle')).body).toBe(1);
  });

  it('is listed when another one cannot be read', async () => {
    const first = await start();
    const broken = await ConversationClient.create(first, scriptedRequest(workspace));
    const whole = await ConversationClient.create(first, scriptedRequest(workspace));
    await first.end();
    const file = path.join(folder, 'workspace/conversations', broken.id.replaceAll('-', ''), 'metadata.json');
    const metadata = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    await writeFile(file, JSON.stringify({ ...metadata, agent: 5 }));
    const second = await start();
    const { status, body } = await second.request('GET', '/api/conversations/search');
    expect(status).toBe(200);
    expect((body as { items: { id: string }[] }).items.map(({ id }) => id)).toEqual([whole.id]);
    const said = `conversation ${broken.id} is left out: metadata.json: not valid: agent`;
    await second.logs(said);
  });

  it('uses the stored key of its provider when there is a secret key', async () => {
    const env = { OH_SECRET_KEY: 'a key for tests' };
    const first = await start(env);
    const request = scriptedRequest(workspace, 'SAY: one');
    const withKey = {
      ...request,
      agent: { ...request.agent, llm: { ...request.agent.llm, api_key: 'sk-very-secret' } },
    };
    const conversation = await ConversationClient.create(first, withKey);
    await conversation.reaches('finished');
    await first.end();
    const metadata = await readFile(
      path.join(folder, 'workspace/conversations', conversation.id.replaceAll('-', ''), 'metadata.json'),
      'utf8',
    );
    expect(metadata).not.toContain('sk-very-secret');
    expect(metadata).toContain('gAAAAA');
    const second = await start(env);
    await conversation.on(second).send('SAY: two');
    await conversation.on(second).reaches('finished');
  });
});

function durable(frames: readonly Record<string, unknown>[]): SeenEvent[] {
  return frames.filter(({ type }) => type === 'durable').map(({ event }) => event as SeenEvent);
}
