import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import {
  brief,
  ConversationClient,
  messageText,
  scriptedRequest,
  userMessage,
} from '../support/conversation-client.js';
import { describeWithPostgres, PostgresInstance, TestDatabase } from '../support/postgres.js';
import { ResumingSocket } from '../support/resuming-socket.js';
import { eventually, ServerProcess } from '../support/server-process.js';

describeWithPostgres('a server whose database is away', () => {
  let postgres: PostgresInstance;
  let database: TestDatabase;
  let server: ServerProcess;
  let socket: ResumingSocket | undefined;

  beforeAll(async () => {
    postgres = await PostgresInstance.start();
  });
  beforeEach(async () => {
    database = await TestDatabase.create(postgres.url());
  });
  afterEach(async () => {
    socket?.stop();
    await server.stop();
    await postgres.startAgain();
  });
  afterAll(() => postgres.stop());

  const start = async (env: Record<string, string> = {}): Promise<void> => {
    server = await ServerProcess.start({
      env: {
        OH_DATABASE_URL: database.url,
        OH_SECRET_KEY: 'a-key-that-encrypts-what-is-stored',
        OH_DATABASE_TIMEOUT_SECONDS: '1',
        ...env,
      },
    });
  };
  const request = (script?: string) => scriptedRequest(path.join(server.cwd, 'work'), script);
  const readiness = async () => (await server.request('GET', '/ready')).status;

  async function endDatabase(): Promise<void> {
    await postgres.end('immediate');
    await eventually(async () => (await readiness()) === 503, 'the outage');
  }

  async function startDatabase(): Promise<void> {
    await postgres.startAgain();
    await eventually(async () => (await readiness()) === 200, 'the end of the outage');
  }

  it('answers 503, says that it is not ready, and goes on by itself', async () => {
    await start();
    const conversation = await ConversationClient.create(server, request('FINISH: one'));
    await conversation.reaches('finished');
    await endDatabase();
    const answers = await Promise.all([
      server.request('POST', `${conversation.route}/events`, userMessage('refused')),
      server.request('GET', `${conversation.route}/events/search`),
      server.request('GET', '/api/conversations/search'),
      server.request('POST', '/api/conversations', request()),
    ]);
    for (const { status, headers, body } of answers) {
      expect([status, headers.get('retry-after')]).toEqual([503, '1']);
      expect(JSON.stringify(body)).toContain('The server cannot use its database at the moment');
    }
    expect((await server.request('GET', '/health')).status).toBe(200);
    const metrics = await fetch(`${server.url}/metrics`);
    expect([metrics.status, await metrics.text()]).toEqual([
      200,
      expect.stringContaining('agent_server_runs 0'),
    ]);
    const ready = await server.request('GET', '/ready');
    expect(ready.body).toEqual({ status: 'unavailable', message: 'The server cannot reach its database' });

    await startDatabase();
    await conversation.send('FINISH: two');
    await conversation.reaches('finished');
    const messages = await conversation.events('&kind=MessageEvent');
    expect(messages.map(messageText)).toEqual(['FINISH: one', 'FINISH: two']);
  });

  it.each([
    ['outlives', '60', /append failed/],
    // Long enough that the append fails first, also on a slow machine: the next test has the other order.
    ['ends in', '10', /the lease of this server has ended/],
  ])('records a run by itself when its lease %s the outage', async (_what, lease, sign) => {
    await start({ OH_SERVER_LEASE_SECONDS: lease });
    const script = `RUN: until [ -e go ]; do sleep 0.2; done; echo done\nFINISH: ok`;
    const conversation = await ConversationClient.create(server, request(script));
    await conversation.startsTool();
    const resuming = new ResumingSocket(server, conversation.id);
    socket = resuming;
    await eventually(() => resuming.ids.length > 0, 'the socket');
    await endDatabase();
    await writeFile(path.join(server.cwd, 'work/go'), '');
    await server.logs(sign);
    await startDatabase();
    const record = async () => (await conversation.events()).slice(-3);
    await eventually(async () => (await record()).map(brief)[1] === 'ConversationErrorEvent', 'the record');
    const events = await record();
    expect(events.map(brief)).toEqual([
      'AgentErrorEvent',
      'ConversationErrorEvent',
      'execution_status=error',
    ]);
    expect(events[1]).toMatchObject({ code: 'StorageFailedError' });
    await conversation.send('FINISH: again');
    await conversation.reaches('finished');
    const rows = await database.query('SELECT seq::int, id FROM event ORDER BY seq');
    expect(rows.map(({ seq }) => seq as number)).toEqual(rows.map((_, index) => index));
    await eventually(() => resuming.ids.length >= rows.length, 'the socket');
    expect([resuming.problems, resuming.ids]).toEqual([[], rows.map(({ id }) => id as string)]);
  });

  it('records a run that the end of its lease has ended', async () => {
    await start({ OH_SERVER_LEASE_SECONDS: '2' });
    const script = `RUN: until [ -e go ]; do sleep 0.2; done; echo done\nFINISH: ok`;
    const conversation = await ConversationClient.create(server, request(script));
    await conversation.startsTool();
    await endDatabase();
    await server.logs('the lease of this server has ended');
    await startDatabase();
    const last = async () => (await conversation.events()).slice(-3).map(brief);
    await eventually(async () => (await last())[2] === 'execution_status=paused', 'the record');
    expect(await last()).toEqual(['AgentErrorEvent', 'ConversationErrorEvent', 'execution_status=paused']);
    await conversation.send('FINISH: again');
    await conversation.reaches('finished');
  });

  it('answers 409 for a message that was stored while its conversation was closed', async () => {
    await start({ OH_DATABASE_TIMEOUT_SECONDS: '60', OH_CONVERSATION_IDLE_TTL_SECONDS: '1' });
    const conversation = await ConversationClient.create(server, request('FINISH: one'));
    await conversation.reaches('finished');
    const holder = new pg.Client({ connectionString: database.url });
    await holder.connect();
    await holder.query('BEGIN; SELECT FROM conversation FOR UPDATE');
    const answer = server.request('POST', `${conversation.route}/events`, userMessage('stored', true));
    await eventually(
      async () => /conversations_open 0$/m.test(String((await server.request('GET', '/metrics')).body)),
      'the close',
    );
    await holder.query('COMMIT');
    await holder.end();
    const { status, body } = await answer;
    const messages = await conversation.events('&kind=MessageEvent');
    expect([status, messages.map(messageText)]).toEqual([409, ['FINISH: one', 'stored']]);
    expect(JSON.stringify(body)).toContain('Message saved');
  });
});
