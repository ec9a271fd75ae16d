import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { ConversationClient, scriptedRequest, userMessage } from '../support/conversation-client.js';
import { StreamClient } from '../support/event-stream-client.js';
import { makeKey, shown } from '../support/named-keys.js';
import { eventually, ServerProcess } from '../support/server-process.js';

const ADMIN = 'key-of-the-administrator';

describe('a stream of server-sent events', () => {
  let server: ServerProcess;
  const opened: StreamClient[] = [];
  beforeAll(async () => {
    server = await ServerProcess.start({
      key: ADMIN,
      env: { OH_SESSION_API_KEYS_0: ADMIN, OH_SECRET_KEY: 'a-key' },
    });
  });
  afterEach(() => opened.splice(0).forEach((client) => client.close()));
  afterAll(() => server.stop());

  const open = async (
    to: ServerProcess,
    id: string,
    { headers, ...given }: Parameters<typeof StreamClient.open>[2] = {},
  ): Promise<StreamClient> => {
    const client = await StreamClient.open(to, id, {
      ...given,
      headers: { 'x-session-api-key': ADMIN, ...headers },
    });
    opened.push(client);
    return client;
  };
  const finished = async (script = 'RUN: echo hello\nFINISH: done'): Promise<ConversationClient> => {
    const one = await ConversationClient.create(server, scriptedRequest(server.cwd, script));
    await one.reaches('finished');
    return one;
  };

  it('replays the log, then sends what happens, each event once', async () => {
    const one = await finished();
    const stream = await open(server, one.id, { query: '?after_seq=-1' });
    const stored = await one.events();
    await eventually(() => stream.events.length >= stored.length, 'the replay');
    await eventually(() => stream.named('state').length === 1, 'the state');
    await one.send('RUN: echo again; until [ -e go ]; do sleep 0.2; done\nFINISH: done again');
    const printed = (): string =>
      (stream.named('output') as { text: string }[]).map(({ text }) => text).join('');
    await eventually(() => printed().includes('again'), 'what the command prints');
    await writeFile(path.join(server.cwd, 'go'), '');
    await one.reaches('finished');
    const all = await one.events();
    await eventually(() => stream.events.length >= all.length, 'the new events');
    expect(stream.events.map(({ id }) => id)).toEqual(all.map(({ id }) => id));
    expect(stream.seqs).toEqual(all.map((_, index) => index));
    expect(stream.frames[0]?.event).toBe('sync');
  });

  it('goes on after Last-Event-ID, which counts more than after_seq', async () => {
    const one = await finished();
    const stream = await open(server, one.id, { query: '?after_seq=-1', headers: { 'last-event-id': '2' } });
    const stored = await one.events();
    await eventually(() => stream.events.length >= stored.length - 3, 'the rest');
    expect(stream.seqs).toEqual(stored.map((_, index) => index).slice(3));
  });

  it('has no pieces of answers and outputs with deltas=false, and no replay by default', async () => {
    const one = await finished();
    const stream = await open(server, one.id, { query: '?deltas=false' });
    await eventually(() => stream.named('state').length === 1, 'the state');
    expect(stream.seqs).toEqual([]);
    await one.send('RUN: echo again\nFINISH: done again');
    await one.reaches('finished');
    await eventually(() => stream.events.some((event) => event.key === 'execution_status'), 'an event');
    expect([...stream.named('output'), ...stream.named('item')]).toEqual([]);
  });

  it.each([
    ['?after_seq=-2', {}],
    ['?after_seq=x', {}],
    ['?deltas=perhaps', {}],
    ['', { 'last-event-id': 'one' }],
    ['', { 'last-event-id': '-5' }],
  ])('refuses %s %j', async (query, headers) => {
    const one = await finished('FINISH: done');
    expect(await open(server, one.id, { query, headers })).toMatchObject({ status: 422 });
  });

  it('needs a key, and shows the conversations of others to nobody', async () => {
    const one = await finished('FINISH: done');
    expect((await open(server, one.id, { headers: { 'x-session-api-key': 'wrong' } })).status).toBe(401);
    const own = await makeKey(server, { reach: 'own' });
    expect((await open(server, one.id, { headers: shown(own.key) })).status).toBe(404);
    expect((await open(server, '00000000-0000-0000-0000-000000000000')).status).toBe(404);
  });

  it('counts as a socket of its key, and ends with the key', async () => {
    const one = await finished('FINISH: done');
    const made = await makeKey(server, { limits: { sockets: 1 } });
    const headers = shown(made.key);
    const first = await open(server, one.id, { headers });
    expect((await open(server, one.id, { headers })).status).toBe(429);
    first.close();
    let second: StreamClient | undefined;
    await eventually(async () => {
      second = await open(server, one.id, { headers });
      return second.status === 200;
    }, 'a free place');
    await server.request('DELETE', `/api/keys/${made.id}`);
    await eventually(() => second?.hasEnded === true, 'the end of the stream');
  });

  it('ends with its conversation and says so', async () => {
    const one = await finished('FINISH: done');
    const stream = await open(server, one.id);
    await eventually(() => stream.named('state').length === 1, 'the state');
    await server.request('DELETE', one.route);
    await eventually(() => stream.hasEnded, 'the end of the stream');
    expect(stream.named('closing')).toMatchObject([{ reason: 'Conversation not found' }]);
  });

  it('is cut for a client that does not read its end, and frees its place', async () => {
    const one = await finished('FINISH: done');
    const made = await makeKey(server, { limits: { sockets: 1 } });
    const { hostname, port } = new URL(server.url);
    const idle = connect(Number(port), hostname);
    idle.on('error', () => undefined);
    idle.write(
      `GET ${one.route}/events/stream HTTP/1.1\r\nHost: ${hostname}\r\nX-Session-API-Key: ${made.key}\r\n\r\n`,
    );
    await once(idle, 'data');
    idle.pause();
    expect((await open(server, one.id, { headers: shown(made.key) })).status).toBe(429);
    // More than the buffers of the connection hold, and less than may wait for a client.
    for (let count = 0; count < 12; count += 1)
      await one.post('events', userMessage('x'.repeat(1024 * 1024), false));
    await server.request('DELETE', one.route);
    const other = await finished('FINISH: done');
    await eventually(
      async () => (await open(server, other.id, { headers: shown(made.key) })).status === 200,
      'a free place',
    );
    idle.destroy();
  });

  it('is closed for a client that does not read, which goes on after its last event', async () => {
    const one = await finished('FINISH: done');
    const stream = await open(server, one.id, { query: '?after_seq=-1' });
    await eventually(() => stream.named('state').length === 1, 'the state');
    stream.pause();
    for (let count = 0; count < 24; count += 1)
      await one.post('events', userMessage('x'.repeat(1024 * 1024), false));
    stream.resume();
    await eventually(() => stream.hasEnded, 'the end of the stream');
    const last = stream.seqs.at(-1) ?? -1;
    const next = await open(server, one.id, { headers: { 'last-event-id': String(last) } });
    const total = (await one.events()).length;
    expect(last).toBeLessThan(total - 1);
    await eventually(() => next.seqs.at(-1) === total - 1, 'the rest');
    expect([...stream.seqs, ...next.seqs]).toEqual(Array.from({ length: total }, (_, seq) => seq));
  });

  it('ends at a shutdown without holding it up', async () => {
    const other = await ServerProcess.start({ key: ADMIN, env: { OH_SESSION_API_KEYS_0: ADMIN } });
    const one = await ConversationClient.create(other, scriptedRequest(other.cwd, 'FINISH: done'));
    const stream = await open(other, one.id, { query: '?after_seq=-1' });
    await eventually(() => stream.named('state').length === 1, 'the state');
    const started = performance.now();
    await other.stop();
    expect(performance.now() - started).toBeLessThan(5_000);
    await eventually(() => stream.hasEnded, 'the end of the stream');
  });
});
