import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { WebSocket } from 'ws';
import { RunLimitError } from '../conversations/conversation-errors.js';
import { delta, numbered, type InMemoryConversation } from '../../test/sockets/in-memory-conversations.js';
import type { Frame, SocketClient } from '../../test/sockets/socket-client.js';
import { conversation, isFullState, server, start, until } from '../../test/sockets/socket-fixture.js';

describe('the events socket', () => {
  beforeEach(() => start());

  it('sends the full state, then new events as the lines of the log', async () => {
    await conversation.append(numbered(0));
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    expect(await client.frame(0)).toMatchObject({ key: 'full_state', kind: 'ConversationStateUpdateEvent' });
    await conversation.append(numbered(1), numbered(2));
    conversation.publishFullState();
    const frames = await client.until((all) => all.length === 4);
    expect(frames.slice(1, 3)).toEqual(conversation.events.slice(1));
    expect(frames[3]).toMatchObject({ key: 'full_state', value: { length: 3 } });
  });

  it('sends deltas, but no items', async () => {
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    await client.frame(0);
    const item = { type: 'item_started', item_id: 'i', attempt: 1, anchor_seq: 0 } as const;
    server.bus.publishItem({ conversationId: conversation.id, signal: item });
    conversation.publish(delta('one '));
    expect(await client.frame(1)).toMatchObject({ content: 'one ', kind: 'StreamingDeltaEvent' });
  });

  it.each(['resend_mode=all', 'resend_all=true'])('replays the whole log with %s', async (query) => {
    await conversation.append(...Array.from({ length: 700 }, (_, n) => numbered(n)));
    const client = await server.connect(`/sockets/events/${conversation.id}?${query}`);
    const frames = await client.until((all) => all.length === 701);
    expect(frames.slice(1)).toEqual(conversation.events);
  });

  it('replays events from the timestamp on with resend_mode=since', async () => {
    await conversation.append(...Array.from({ length: 10 }, (_, n) => numbered(n)));
    const since = conversation.timestampOf(7);
    const path = `/sockets/events/${conversation.id}?resend_mode=since&after_timestamp=`;
    const frames = await (await server.connect(path + since)).until((all) => all.length === 4);
    expect(frames.slice(1)).toEqual(conversation.events.slice(7));
    const late = await server.connect(`${path}2199-01-01T00:00:00`);
    await late.frame(0);
    await conversation.append(numbered(10));
    expect(await late.frame(1)).toEqual(conversation.events[10]);
  });

  it('recovers from events that the bus lost, and sends none twice', async () => {
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    await client.frame(0);
    const publish = server.bus.publish.bind(server.bus);
    server.bus.publish = () => undefined;
    await conversation.append(numbered(0), numbered(1));
    server.bus.publish = publish;
    await conversation.append(numbered(2));
    await client.until((all) => all.length === 4);
    const [event] = conversation.events;
    if (event) server.bus.publish({ conversationId: conversation.id, event, line: '{}', seq: 0 });
    await conversation.append(numbered(3));
    const frames = await client.until((all) => all.length === 5);
    expect(frames.slice(1)).toEqual(conversation.events);
  });

  it('accepts messages and starts runs', async () => {
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    client.send({ role: 'user', content: 'first', run: false });
    client.send({ type: 'message', content: 'second' });
    client.send({ type: 'auth', session_api_key: 'late' });
    client.send({ role: 'user', content: [{ type: 'text', text: 'third' }] });
    const frames = await client.until((all) => all.length === 4);
    expect(frames.slice(1).map((frame) => frame['kind'])).toEqual(Array(3).fill('MessageEvent'));
    const texts = conversation.received.map(({ message, run }) => [message.content, run]);
    expect(texts).toMatchObject(['first', 'second', 'third'].map((text) => [[{ type: 'text', text }], true]));
  });

  it('answers invalid frames with an error and stays open', async () => {
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    const other = await server.connect(`/sockets/events/${conversation.id}`);
    for (const frame of [
      'not json',
      '{"foo":1}',
      '[]',
      Buffer.from([0, 1]),
      '{"role":"tool","content":"x"}',
    ]) {
      client.send(frame);
    }
    client.send({ role: 'user', content: 'still there' });
    const frames = await client.until((all) => all.length === 7);
    expect(frames.slice(1, 6).map((frame) => frame['code'])).toEqual([
      'JSONDecodeError',
      'ValidationError',
      'ValidationError',
      'ValueError',
      'AssertionError',
    ]);
    expect(Object.keys(frames[1] ?? {})).toEqual(['id', 'timestamp', 'source', 'code', 'detail', 'kind']);
    expect(frames[1]).toMatchObject({ source: 'environment', kind: 'ServerErrorEvent' });
    expect(await other.frame(1)).toMatchObject({ kind: 'MessageEvent' });
  });

  it('sends an error when a message is not accepted', async () => {
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    conversation.failSend = new RunLimitError('limit');
    client.send({ role: 'user', content: 'x' });
    expect(await client.frame(1)).toMatchObject({ code: 'ConversationRunLimitExceeded', detail: 'limit' });
    conversation.failSend = new Error('secret: a disk burns');
    client.send({ role: 'user', content: 'x' });
    expect(await client.frame(2)).toMatchObject({
      code: 'InternalServerError',
      detail: 'Internal Server Error',
    });
  });

  it('stays open when the conversation is deleted', async () => {
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    await client.frame(0);
    conversation.deleted = true;
    client.send({ role: 'user', content: 'ghost' });
    expect(await client.frame(1)).toMatchObject({ code: 'ValueError', detail: 'inactive_service' });
    expect(client.socket.readyState).toBe(WebSocket.OPEN);
  });

  it.each([
    (id: string) => `/conversations/${id}/events/socket`,
    (id: string) => `/api/conversations/${id}/events/socket?resend_mode=all`,
    (id: string) => `/sockets/events/${id.replaceAll('-', '').toUpperCase()}`,
  ])('is available under other paths: %s', async (path) => {
    const client = await server.connect(path(conversation.id));
    client.send({ type: 'message', content: 'Hello, agent!' });
    const frames = await client.until((all) => all.length === 2);
    expect(frames.map(isFullState)).toEqual([true, false]);
  });
});

describe('the session socket', () => {
  beforeEach(() => start());

  it('sends a sync frame, the replay, the state and live events', async () => {
    await conversation.append(...Array.from({ length: 4 }, (_, n) => numbered(n)));
    const client = await server.connect(`/sockets/session/${conversation.id}?after_seq=1`);
    await client.until((all) => all.length === 4);
    await conversation.append(numbered(4));
    conversation.publish(delta('unseen'));
    conversation.publishFullState();
    const frames = await client.until((all) => all.length === 6);
    const durable = (seq: number) => ({ type: 'durable', seq, event: conversation.events[seq] });
    expect(frames).toEqual([
      { type: 'sync', from_seq: 1, through_seq: 3 },
      durable(2),
      durable(3),
      { type: 'transient', event: expect.objectContaining({ key: 'full_state' }) as unknown },
      durable(4),
      { type: 'transient', event: expect.objectContaining({ key: 'full_state' }) as unknown },
    ]);
  });

  it.each([
    ['', 0, { type: 'sync' }],
    ['?after_seq=-1', 0, { type: 'sync', from_seq: -1 }],
    ['?after_seq=1000', 0, { type: 'sync', from_seq: 1000 }],
    ['', 3, { type: 'sync', through_seq: 2 }],
    ['?after_seq=1000', 3, { type: 'sync', from_seq: 1000, through_seq: 2 }],
  ])('answers the query "%s" for a log of %d events', async (query, length, sync) => {
    if (length > 0) await conversation.append(...Array.from({ length }, (_, n) => numbered(n)));
    const client = await server.connect(`/sockets/session/${conversation.id}${query}`);
    await client.until((all) => all.length === 2);
    await conversation.append(numbered('live'));
    await client.until((all) => all.length === 3);
    expect(client.frames).toMatchObject([sync, { type: 'transient' }, { type: 'durable', seq: length }]);
    expect(Object.keys(client.frames[0] ?? {})).toEqual(Object.keys(sync));
  });

  it('sends the output of commands: first what was printed last, after the state', async () => {
    const output = (offset: number, text: string) => ({
      conversationId: conversation.id,
      actionId: 'a',
      offset,
      text,
    });
    conversation.outputs = [output(7, 'recent')];
    await conversation.append(numbered(0));
    const older = await server.connect(`/sockets/events/${conversation.id}`);
    const client = await server.connect(`/sockets/session/${conversation.id}?after_seq=-1`);
    await Promise.all([older.frame(0), client.frame(3)]);
    server.bus.publishOutput(output(13, 'new'));
    await conversation.append(numbered(1));
    await Promise.all([older.frame(1), client.frame(5)]);
    expect(client.frames.slice(2)).toEqual([
      expect.objectContaining({ type: 'transient' }),
      { type: 'output', action_id: 'a', offset: 7, text: 'recent' },
      { type: 'output', action_id: 'a', offset: 13, text: 'new' },
      expect.objectContaining({ type: 'durable', seq: 1 }),
    ]);
    expect(older.frames.slice(1)).toEqual([conversation.events[1]]);
  });

  it('sends items and error frames', async () => {
    const client = await server.connect(`/sockets/session/${conversation.id}`);
    await client.frame(1);
    const signals = [
      { type: 'item_started', item_id: 'i', attempt: 1, anchor_seq: 4 },
      {
        type: 'delta',
        item_id: 'i',
        attempt: 1,
        order: 0,
        kind: 'text',
        content: 'one ',
        chunk_id: 'c',
        choice_index: 0,
      },
      { type: 'item_aborted', item_id: 'i', attempt: 1, reason: 'r' },
    ] as const;
    for (const signal of signals) server.bus.publishItem({ conversationId: conversation.id, signal });
    client.send('nope');
    const frames = await client.until((all) => all.length === 6);
    expect(frames.slice(2, 5)).toEqual(signals);
    expect(frames[5]).toEqual({
      type: 'error',
      code: 'JSONDecodeError',
      detail: expect.any(String) as unknown,
    });
  });

  it('is closed for a frame over 4 MiB', async () => {
    const client = await server.connect(`/sockets/session/${conversation.id}`);
    await client.frame(1);
    await conversation.append(numbered('x'.repeat(4 * 1024 * 1024)));
    expect(await client.closed).toEqual({ code: 1013, reason: 'frame_too_large' });
  });
});

describe('a ping', () => {
  it('that is not answered terminates the socket, and one that is answered does not', async () => {
    await start({ limits: { pingIntervalMs: 500 } });
    const path = `/sockets/events/${conversation.id}`;
    const [alive, dead] = await Promise.all([
      server.connect(path),
      server.connect(path, { autoPong: false }),
    ]);
    expect((await dead.closed).code).toBe(1006);
    for (let pings = 0; pings < 3; pings += 1)
      await new Promise((resolve) => alive.socket.once('ping', resolve));
    expect(alive.socket.readyState).toBe(WebSocket.OPEN);
    await until(() => server.bus.subscriberCount(conversation.id) === 1);
  });
});

describe('the shutdown of the server', () => {
  it('closes every socket with 1012, including one that does not read', async () => {
    await start({ limits: { shutdownGraceMs: 100 } });
    const path = `/sockets/events/${conversation.id}`;
    const [reading, paused] = await Promise.all([server.connect(path), server.connect(path)]);
    await Promise.all([reading.frame(0), paused.frame(0)]);
    paused.socket.pause();
    await server.app.close();
    expect(await reading.closed).toEqual({ code: 1012, reason: '' });
    expect(server.bus.subscriberCount(conversation.id)).toBe(0);
    expect(server.connections.size).toBe(0);
  });
});

interface Joining {
  afterTurns: number;
  want: 'all' | 'since' | 'live' | 'seq' | 'seq-all';
  /** Where `since` and `seq` start, as a fraction of the length of the log. */
  share: number;
}

const turns = fc.integer({ min: 0, max: 3 });
const joining = fc.record<Joining>({
  afterTurns: fc.integer({ min: 0, max: 60 }),
  want: fc.constantFrom('all', 'since', 'live', 'seq', 'seq-all'),
  share: fc.double({ min: 0, max: 1, noNaN: true }),
});

function nextTurns(stream: Iterator<number, undefined>): number {
  return stream.next().value ?? 0;
}

describe('sockets that connect while events are appended', () => {
  beforeEach(() => start());

  it('receive each event once and in order, from the requested start to the end', async () => {
    const scenario = fc.record({
      before: fc.integer({ min: 0, max: 40 }),
      batches: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 5, maxLength: 40 }),
      delays: fc.infiniteStream(turns),
      clients: fc.array(joining, { minLength: 1, maxLength: 8 }),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ before, batches, delays, clients }) => {
        const log = server.conversation(() => nextTurns(delays));
        if (before > 0) await log.append(...Array.from({ length: before }, (_, n) => numbered(n)));
        const joined = clients.map((client) => join(log, client));
        for (const size of batches) {
          void log.append(...Array.from({ length: size }, numbered));
          log.publish(delta('x'));
          for (let turn = nextTurns(delays); turn > 0; turn -= 1) await setImmediate();
        }
        const attached = await Promise.all(joined);
        await Promise.all(attached.map(({ client }) => client.until((frames) => frames.length >= 1)));
        await log.append(numbered('end'));
        await Promise.all(attached.map((client) => check(client, log)));
      }),
      { numRuns: 60 },
    );
  });

  it('receive each event once although the bus loses and repeats some', async () => {
    const lost = new Set([3, 4, 9, 15]);
    const publish = server.bus.publish.bind(server.bus);
    server.bus.publish = (published) => {
      if (published.seq !== undefined && lost.has(published.seq)) return;
      publish(published);
      if (published.seq !== undefined && published.seq % 3 === 0) publish(published);
    };
    const joined = [await join(conversation, { afterTurns: 0, want: 'live', share: 0 })];
    joined.push(await join(conversation, { afterTurns: 0, want: 'seq-all', share: 0 }));
    for (let n = 0; n < 20; n += 1) await conversation.append(numbered(n));
    await conversation.append(numbered('end'));
    server.bus.publish = publish;
    await Promise.all(joined.map((client) => check(client, conversation)));
  });
});

interface Joined {
  client: SocketClient;
  /** The first event that must arrive; undefined when it depends on timing. */
  first: number | undefined;
}

async function join(log: InMemoryConversation, { afterTurns, want, share }: Joining): Promise<Joined> {
  for (let turn = afterTurns; turn > 0; turn -= 1) await setImmediate();
  // There is no event in an empty log.
  const seq = log.length === 0 ? -1 : Math.floor(share * (log.length - 1));
  const events = `/sockets/events/${log.id}`;
  const session = `/sockets/session/${log.id}`;
  switch (want) {
    case 'all':
      return { client: await server.connect(`${events}?resend_mode=all`), first: 0 };
    case 'live':
      return { client: await server.connect(events), first: undefined };
    case 'seq':
      return { client: await server.connect(`${session}?after_seq=${seq}`), first: seq + 1 };
    case 'seq-all':
      return { client: await server.connect(`${session}?after_seq=-1`), first: 0 };
    case 'since': {
      const since = log.length > 0 ? log.timestampOf(seq) : '2000-01-01';
      const client = await server.connect(`${events}?resend_mode=since&after_timestamp=${since}`);
      return { client, first: log.length > 0 && since !== '2000-01-01' ? seq : 0 };
    }
  }
}

/**
 * Expects the durable events of the client to be those of the log from the requested start, once each.
 */
async function check({ client, first }: Joined, log: InMemoryConversation): Promise<void> {
  const last = log.events.at(-1);
  await client.until((frames) => frames.some((frame) => eventOf(frame)['id'] === last?.id));
  const frames = client.frames.filter((frame) => eventOf(frame)['key'] === 'n');
  const ids = frames.map((frame) => eventOf(frame)['id']);
  const all = log.events.map(({ id }) => id);
  const from = first ?? all.indexOf(String(ids[0]));
  expect(ids).toEqual(all.slice(from));
  const numbers = frames.flatMap((frame) => (typeof frame['seq'] === 'number' ? [frame['seq']] : []));
  if (numbers.length > 0) expect(numbers).toEqual(all.map((_, seq) => seq).slice(from));
  const states = client.frames.filter((frame) => eventOf(frame)['key'] === 'full_state');
  expect(states).toHaveLength(1);
  client.socket.close();
  await client.closed;
}

function eventOf(frame: Frame): Frame {
  return typeof frame['event'] === 'object' && frame['event'] !== null ? { ...frame['event'] } : frame;
}
