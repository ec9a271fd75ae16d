import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { ConversationClient, scriptedRequest, type SeenEvent } from '../support/conversation-client.js';
import { makeKey, shown } from '../support/named-keys.js';
import { eventually, ServerProcess } from '../support/server-process.js';

interface Frame {
  id?: string | undefined;
  event?: string | undefined;
  data: string;
}

const ADMIN = 'key-of-the-administrator';

/** A client of a stream that collects what it gets until it is closed. */
class StreamClient {
  readonly frames: Frame[] = [];
  status = 0;
  body: unknown;
  hasEnded = false;
  private readonly abort = new AbortController();

  static async open(
    server: ServerProcess,
    id: string,
    { query = '', headers = {} }: { query?: string; headers?: Record<string, string> } = {},
  ): Promise<StreamClient> {
    const client = new StreamClient();
    const response = await fetch(`${server.url}/api/conversations/${id}/events/stream${query}`, {
      headers: { 'x-session-api-key': ADMIN, ...headers },
      signal: client.abort.signal,
    });
    client.status = response.status;
    if (response.status === 200 && response.body) void client.read(response.body);
    else client.body = await response.json();
    return client;
  }

  private async read(body: ReadableStream<Uint8Array>): Promise<void> {
    const parsed = body
      .pipeThrough(new TextDecoderStream() as never)
      .pipeThrough(new EventSourceParserStream());
    try {
      for await (const frame of parsed as unknown as AsyncIterable<Frame>) this.frames.push(frame);
    } catch {
      // The connection was cut.
    }
    this.hasEnded = true;
  }

  /** The numbers of the durable events. */
  get seqs(): number[] {
    return this.frames.flatMap(({ id, event }) => (event === undefined ? [Number(id)] : []));
  }

  get events(): SeenEvent[] {
    return this.frames.flatMap(({ event, data }) =>
      event === undefined ? [JSON.parse(data) as SeenEvent] : [],
    );
  }

  named(name: string): unknown[] {
    return this.frames.flatMap(({ event, data }) => (event === name ? [JSON.parse(data) as unknown] : []));
  }

  close(): void {
    this.abort.abort();
  }
}

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

  const open = async (...given: Parameters<typeof StreamClient.open>): Promise<StreamClient> => {
    const client = await StreamClient.open(...given);
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
    await one.send('RUN: echo again; until [ -e go ]; do sleep 0.02; done\nFINISH: done again');
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
