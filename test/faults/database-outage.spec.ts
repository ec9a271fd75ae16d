import path from 'node:path';
import {
  ConversationClient,
  messageText,
  scriptedRequest,
  userMessage,
} from '../support/conversation-client.js';
import { describeWithPostgres, PostgresInstance } from '../support/postgres.js';
import { eventually, ServerProcess } from '../support/server-process.js';

describeWithPostgres('a server whose database is away', () => {
  let postgres: PostgresInstance;
  let server: ServerProcess;

  beforeEach(async () => {
    postgres = await PostgresInstance.start();
    server = await ServerProcess.start({
      env: {
        OH_DATABASE_URL: postgres.url(),
        OH_SECRET_KEY: 'a-key-that-encrypts-what-is-stored',
        OH_DATABASE_TIMEOUT_SECONDS: '1',
        // The lease outlives the outage.
        OH_SERVER_LEASE_SECONDS: '60',
      },
    });
  });
  afterEach(async () => {
    await server.stop();
    await postgres.stop();
  });

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
});
