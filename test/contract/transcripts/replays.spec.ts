import {
  brief,
  type ConversationClient,
  type SeenEvent,
  type SocketRecorder,
} from '../../support/conversation-client.js';
import { startScriptedEndpoint } from '../../support/scripted-endpoint.js';
import { eventually } from '../../support/server-process.js';
import { FIRST_MESSAGE, TranscriptFixture, WAITING, sequence, watch } from './transcript-fixture.js';

/** Stored events that a socket receives when it connects, on both kinds of socket. */
describe('the replay to a socket', () => {
  const fixture = TranscriptFixture.forTests();

  /** A conversation with one message and its answer. */
  async function answered(): Promise<ConversationClient> {
    const conversation = await fixture.create();
    await conversation.send('SAY: hi');
    await conversation.reaches('finished');
    return conversation;
  }
  const LOG = [...FIRST_MESSAGE, 'execution_status=running', 'MessageEvent', 'execution_status=finished'];

  it.each([
    ['ws_resend_mode_all', '?resend_mode=all'],
    ['ws_resend_all_deprecated', '?resend_all=true'],
  ])('contains the whole log when everything is asked for (%s)', async (_name, query) => {
    const conversation = await answered();
    const { upTo, socket } = await watch(conversation, query);
    expect(await upTo(1 + LOG.length)).toEqual(['full_state finished', ...LOG]);
    const stored = await conversation.events();
    expect(
      socket.events.filter(({ kind, key }) => key !== 'full_state' && kind !== 'ServerErrorEvent'),
    ).toEqual(stored);
  });

  it('starts at the given timestamp, inclusive (ws_resend_mode_since)', async () => {
    const conversation = await answered();
    const answer = (await conversation.events('&kind=MessageEvent&source=agent'))[0];
    const query = `?resend_mode=since&after_timestamp=${answer?.timestamp ?? ''}`;
    const { upTo } = await watch(conversation, query);
    expect(await upTo(3)).toEqual(['full_state finished', 'MessageEvent', 'execution_status=finished']);
  });

  it.each([
    ['ws_resend_mode_since_without_timestamp', '?resend_mode=since'],
    ['no mode at all', ''],
    ['resend_all=false', '?resend_all=false'],
  ])('contains no stored events without a mode or a start (%s)', async (_name, query) => {
    const { upTo } = await watch(await answered(), query);
    expect(await upTo(1)).toEqual(['full_state finished']);
  });

  it('is immediate during a tool call, without duplicates (ws_connect_during_tool_call_resend_all)', async () => {
    const conversation = await fixture.create();
    await conversation.send(`RUN: ${WAITING}\nSAY: end`);
    await conversation.startsTool();
    const { socket, upTo } = await watch(conversation, '?resend_mode=all');
    const before = [...FIRST_MESSAGE, 'execution_status=running', 'ActionEvent'];
    await eventually(() => Promise.resolve(sequence(socket).length >= 1 + before.length), 'the log so far');
    expect(await conversation.status()).toBe('running');
    await fixture.release();
    const expected = [
      'full_state running',
      ...before,
      'ObservationEvent',
      'MessageEvent',
      'execution_status=finished',
      'full_state finished',
    ];
    expect(await upTo(expected.length)).toEqual(expected);
    const ids = socket.events.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each([
    ['ws_client_sends_string_content', { role: 'user', content: 'SAY: via socket' }],
    ['parts of content', { role: 'user', content: [{ type: 'text', text: 'SAY: via socket' }] }],
  ])('is followed by the events of a message that is sent as a frame (%s)', async (_name, frame) => {
    const conversation = await answered();
    const { socket, upTo } = await watch(conversation);
    socket.socket.send(JSON.stringify(frame));
    const expected = [
      'full_state finished',
      'execution_status=idle',
      'MessageEvent',
      'last_user_message_id',
      'execution_status=running',
      'MessageEvent',
      'execution_status=finished',
      'full_state finished',
    ];
    expect(await upTo(expected.length)).toEqual(expected);
  });

  it('is followed by an error for each invalid frame, but not for a late key (ws_client_sends_bad_frames)', async () => {
    const conversation = await answered();
    const { socket, upTo } = await watch(conversation);
    // A frame of the first version of the API (`{"type":"message"}`) would be accepted here.
    const bad = ['not json', '{"foo":1}', '[]'];
    for (const frame of [...bad, '{"type":"auth","session_api_key":"x"}']) socket.socket.send(frame);
    const errors = () => socket.events.filter(({ kind }) => kind === 'ServerErrorEvent');
    await eventually(() => Promise.resolve(errors().length >= bad.length), 'three errors');
    expect(await upTo(1)).toEqual(['full_state finished']);
    // The last one comes from `upTo`.
    expect(errors().map((event) => event['code'])).toEqual([
      'JSONDecodeError',
      'ValidationError',
      'ValidationError',
      'JSONDecodeError',
    ]);
    expect(Object.keys(errors()[0] ?? {})).toEqual(['id', 'timestamp', 'source', 'code', 'detail', 'kind']);
  });

  it('starts after the given seq on the session socket (ws_session_socket_resume_after_seq)', async () => {
    const conversation = await answered();
    const stored = await conversation.events();
    const socket = await conversation.listen(`/sockets/session/${conversation.id}?after_seq=2`);
    const expected = ['sync', ...stored.slice(3).map(() => 'durable'), 'transient'];
    await frames(socket, expected.length);
    socket.socket.send('nope');
    await frames(socket, expected.length + 1);
    expect(socket.frames.map(({ type }) => type)).toEqual([...expected, 'error']);
    expect(socket.frames[0]).toEqual({ type: 'sync', from_seq: 2, through_seq: stored.length - 1 });
    expect(socket.frames.slice(1, -2)).toEqual(
      stored.slice(3).map((event, index) => ({ type: 'durable', seq: 3 + index, event })),
    );
    expect(socket.frames.at(-1)).toMatchObject({ type: 'error', code: 'JSONDecodeError' });
    await socket.close();
  });

  it('is followed by streamed deltas on the session socket (ws_session_socket_streaming)', async () => {
    const endpoint = await startScriptedEndpoint();
    try {
      const llm = { model: 'openai/some-model', base_url: endpoint.url, api_key: 'sk-test', stream: true };
      const conversation = await fixture.create({ agent: { llm, tools: [] } });
      const socket = await conversation.listen(`/sockets/session/${conversation.id}`);
      await frames(socket, 2);
      await conversation.send('SAY: one two three');
      await conversation.reaches('finished');
      const states = () => socket.frames.filter(({ type }) => type === 'transient').length;
      await eventually(() => Promise.resolve(states() === 2), 'the last state');
      const seen = socket.frames.map(frameName).filter((name) => name !== 'stats');
      expect(seen).toEqual([
        'sync',
        'full_state',
        ...FIRST_MESSAGE,
        'execution_status=running',
        'item_started',
        'delta',
        'delta',
        'delta',
        'MessageEvent',
        'execution_status=finished',
        'full_state',
      ]);
      const started = socket.frames.find(({ type }) => type === 'item_started');
      expect(Object.keys(started ?? {})).toEqual(['type', 'item_id', 'attempt', 'anchor_seq']);
      const deltas = socket.frames.filter(({ type }) => type === 'delta');
      expect(deltas.map(({ order, kind, content }) => [order, kind, content])).toEqual([
        [0, 'text', 'one '],
        [1, 'text', 'two '],
        [2, 'text', 'three'],
      ]);
      expect(Object.keys(deltas[0] ?? {})).toEqual([
        'type',
        'item_id',
        'attempt',
        'order',
        'kind',
        'content',
        'chunk_id',
        'choice_index',
      ]);
      const answer = (await conversation.events('&kind=MessageEvent&source=agent'))[0];
      expect(new Set([started, ...deltas].map((frame) => frame?.['item_id']))).toEqual(new Set([answer?.id]));
      await socket.close();
    } finally {
      await endpoint.close();
    }
  });
});

const frames = (socket: SocketRecorder, count: number): Promise<void> =>
  eventually(() => Promise.resolve(socket.frames.length >= count), `${count} frames`);

/** The type of a frame, or a short form of the event in it. */
function frameName({ type, event }: Record<string, unknown>): string {
  return isEvent(event) ? brief(event) : String(type);
}

function isEvent(value: unknown): value is SeenEvent {
  return typeof value === 'object' && value !== null && 'kind' in value;
}
