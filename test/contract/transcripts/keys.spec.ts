import { randomUUID } from 'node:crypto';
import { SocketClient } from '../../sockets/socket-client.js';
import { Stage } from './fixture.js';

const KEYS = { OH_SESSION_API_KEYS_0: 'key-a', OH_SESSION_API_KEYS_1: 'key-b', OH_SECRET_KEY: 'at rest' };
const FIRST_FRAME = { type: 'auth', session_api_key: 'key-b' };

/** Every way to show a key to a socket, as recorded of the original. */
describe('what a socket answers to a key', () => {
  const stage = Stage.forTests({ env: { ...KEYS, OH_MAX_SOCKET_SUBSCRIBERS: '2' } });
  const clients: SocketClient[] = [];
  afterEach(() => {
    for (const client of clients.splice(0)) client.socket.terminate();
  });

  async function newConversation(): Promise<string> {
    const request = {
      agent: { llm: { model: 'scripted/test' }, tools: [] },
      workspace: { working_dir: 'work' },
      conversation_id: randomUUID(),
    };
    const headers = { 'X-Session-API-Key': 'key-a' };
    const { status } = await stage.server.request('POST', '/api/conversations', request, headers);
    expect(status).toBe(201);
    return request.conversation_id;
  }
  const connect = async (kind: string, rest: string, headers: Record<string, string> = {}) => {
    const client = await SocketClient.connect(stage.server.socketUrl(`/sockets/${kind}/${rest}`), {
      headers,
    });
    clients.push(client);
    return client;
  };
  /** The first frame in a word: that of the events socket, or that of the session socket. */
  const greeting = async (client: SocketClient): Promise<unknown> => {
    const [first] = await client.until((frames) => frames.length > 0);
    return first?.['key'] ?? first?.['type'];
  };

  describe.each([
    ['events', 'full_state'],
    ['session', 'sync'],
  ])('on the %s socket', (kind, welcome) => {
    it.each([
      ['ws_auth_query_ok', '?session_api_key=key-b', {}],
      ['ws_auth_header_ok', '', { 'X-Session-API-Key': 'key-a' }],
    ])('%s', async (_name, query, headers) => {
      const client = await connect(kind, (await newConversation()) + query, headers);
      expect(await greeting(client)).toBe(welcome);
      client.socket.close(1000);
      expect((await client.closed).code).toBe(1000);
    });

    it.each([
      ['ws_auth_first_message_ok', {}],
      // A bearer token that is no key of ours waits for the first frame, as there.
      ['ws_auth_bearer_header', { Authorization: 'Bearer nonsense' }],
    ])('%s', async (_name, headers) => {
      const client = await connect(kind, await newConversation(), headers);
      client.send(FIRST_FRAME);
      expect(await greeting(client)).toBe(welcome);
    });

    it.each([
      ['ws_auth_query_bad_403', '?session_api_key=nope', {}],
      ['ws_auth_query_empty', '?session_api_key=', {}],
      ['ws_auth_header_bad_403', '', { 'X-Session-API-Key': 'nope' }],
      [
        'a key in the query that is wrong, whatever the header says',
        '?session_api_key=x',
        { 'X-Session-API-Key': 'key-a' },
      ],
    ])('%s', async (_name, query, headers) => {
      const client = await connect(kind, (await newConversation()) + query, headers);
      expect(client.refused).toEqual({ status: 403, body: '' });
    });

    it.each([
      ['ws_auth_first_message_bad_key', '{"type": "auth", "session_api_key": "nope"}'],
      ['ws_auth_first_message_not_json', 'hello'],
      ['ws_auth_first_message_wrong_type', '{"type":"message"}'],
      ['a first frame that is binary', Buffer.from(JSON.stringify(FIRST_FRAME))],
      ['a first frame that is no object', '["auth"]'],
    ])('%s', async (_name, frame) => {
      const client = await connect(kind, await newConversation());
      client.send(frame);
      expect(await client.closed).toEqual({ code: 4001, reason: 'Authentication failed' });
      expect(client.frames).toEqual([]);
    });

    it.each([
      ['ws_bad_uuid', 'not-a-uuid'],
      ['a path that cannot be decoded', '%FF'],
      ['a path with a null character', '%00'],
    ])('%s', async (_name, id) => {
      expect((await connect(kind, `${id}?session_api_key=key-a`)).refused).toEqual({ status: 403, body: '' });
    });

    it('ws_unknown_conversation_4004, but only to who has a key', async () => {
      const client = await connect(kind, `${randomUUID()}?session_api_key=key-a`);
      expect(await client.closed).toEqual({ code: 4004, reason: 'Conversation not found' });
      const stranger = await connect(kind, randomUUID());
      stranger.send('{}');
      expect((await stranger.closed).code).toBe(4001);
    });

    it('ws_subscriber_limit_1013, at the number that is set', async () => {
      const route = `${await newConversation()}?session_api_key=key-a`;
      const [first] = await Promise.all([connect(kind, route), connect(kind, route)]);
      await Promise.all(clients.map((client) => greeting(client)));
      const third = await connect(kind, route);
      expect(await third.closed).toEqual({
        code: 1013,
        reason: 'Too many connections for this conversation',
      });
      first.socket.close();
      await first.closed;
      expect(await greeting(await connect(kind, route))).toBe(welcome);
    });
  });

  it.each([
    ['ws_resend_mode_bogus', 'events', 'resend_mode=bogus'],
    ['a timestamp that is none', 'events', 'resend_mode=since&after_timestamp=yesterday'],
    ['a number that is none', 'session', 'after_seq=x'],
  ])('%s', async (_name, kind, query) => {
    const client = await connect(kind, `${await newConversation()}?session_api_key=key-a&${query}`);
    expect(client.refused).toEqual({ status: 403, body: '' });
  });
});
