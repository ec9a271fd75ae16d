import { randomUUID } from 'node:crypto';
import { SocketClient } from '../../sockets/socket-client.js';
import { TranscriptFixture } from './transcript-fixture.js';

const KEYS = { OH_SESSION_API_KEYS_0: 'key-a', OH_SESSION_API_KEYS_1: 'key-b', OH_SECRET_KEY: 'at rest' };
const FIRST_FRAME = { type: 'auth', session_api_key: 'key-b' };

/** All ways to authenticate a socket, as recorded from the original. */
describe('the authentication of a socket', () => {
  const fixture = TranscriptFixture.forTests({ env: { ...KEYS, OH_MAX_SOCKET_SUBSCRIBERS: '2' } });
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
    const { status } = await fixture.server.request('POST', '/api/conversations', request, headers);
    expect(status).toBe(201);
    return request.conversation_id;
  }
  const connect = async (kind: string, rest: string, headers: Record<string, string> = {}) => {
    const client = await SocketClient.connect(fixture.server.socketUrl(`/sockets/${kind}/${rest}`), {
      headers,
    });
    clients.push(client);
    return client;
  };
  /** The key or the type of the first frame. */
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
    ])('greets a client with a valid key in the query or a header (%s)', async (_name, query, headers) => {
      const client = await connect(kind, (await newConversation()) + query, headers);
      expect(await greeting(client)).toBe(welcome);
      client.socket.close(1000);
      expect((await client.closed).code).toBe(1000);
    });

    it.each([
      ['ws_auth_first_message_ok', {}],
      // With an unknown bearer token the server waits for the first frame, as the original does.
      ['ws_auth_bearer_header', { Authorization: 'Bearer nonsense' }],
    ])('greets a client whose first frame has a valid key (%s)', async (_name, headers) => {
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
    ])('refuses the handshake for a wrong key (%s)', async (_name, query, headers) => {
      const client = await connect(kind, (await newConversation()) + query, headers);
      expect(client.refused).toEqual({ status: 403, body: '' });
    });

    it.each([
      ['ws_auth_first_message_bad_key', '{"type": "auth", "session_api_key": "nope"}'],
      ['ws_auth_first_message_not_json', 'hello'],
      ['ws_auth_first_message_wrong_type', '{"type":"message"}'],
      ['a first frame that is binary', Buffer.from(JSON.stringify(FIRST_FRAME))],
      ['a first frame that is not an object', '["auth"]'],
    ])('closes with 4001 after a wrong first frame (%s)', async (_name, frame) => {
      const client = await connect(kind, await newConversation());
      client.send(frame);
      expect(await client.closed).toEqual({ code: 4001, reason: 'Authentication failed' });
      expect(client.frames).toEqual([]);
    });

    it.each([
      ['ws_bad_uuid', 'not-a-uuid'],
      ['a path that cannot be decoded', '%FF'],
      ['a path with a null character', '%00'],
    ])('refuses the handshake for an invalid conversation id (%s)', async (_name, id) => {
      expect((await connect(kind, `${id}?session_api_key=key-a`)).refused).toEqual({ status: 403, body: '' });
    });

    it('closes with 4004 for an unknown conversation, but only with a key (ws_unknown_conversation_4004)', async () => {
      const client = await connect(kind, `${randomUUID()}?session_api_key=key-a`);
      expect(await client.closed).toEqual({ code: 4004, reason: 'Conversation not found' });
      const stranger = await connect(kind, randomUUID());
      stranger.send('{}');
      expect((await stranger.closed).code).toBe(4001);
    });

    it('closes with 1013 above the configured number of subscribers (ws_subscriber_limit_1013)', async () => {
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
    ['an invalid timestamp', 'events', 'resend_mode=since&after_timestamp=yesterday'],
    ['an invalid number', 'session', 'after_seq=x'],
  ])('refuses the handshake for an invalid query (%s)', async (_name, kind, query) => {
    const client = await connect(kind, `${await newConversation()}?session_api_key=key-a&${query}`);
    expect(client.refused).toEqual({ status: 403, body: '' });
  });
});
