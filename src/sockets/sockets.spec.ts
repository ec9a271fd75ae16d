import { WebSocket } from 'ws';
import { RunLimitError } from '../conversations/conversation-errors.js';
import { delta, numbered } from '../../test/sockets/in-memory-conversations.js';
import { conversation, isFullState, server, start } from '../../test/sockets/socket-fixture.js';

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
