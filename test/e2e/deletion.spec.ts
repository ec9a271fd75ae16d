import { ConversationClient, scriptedRequest, userMessage } from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';

describe('deletion of conversations', () => {
  let server: ServerProcess;

  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterAll(() => server.stop());

  it('answers requests during a deletion with 200 or 404', async () => {
    for (let round = 0; round < 10; round++) {
      const request = scriptedRequest(server.cwd, 'WAIT: 1000');
      const { route } = await ConversationClient.create(server, request);
      const requests: [string, string, unknown?][] = [
        ['POST', '/events', userMessage('SAY: hi', true)],
        ['POST', '/events', userMessage('SAY: hi', false)],
        ['POST', '/pause'],
        ['POST', '/interrupt'],
        ['PATCH', '', { title: 'late' }],
        ['GET', '/events/search'],
        ['DELETE', ''],
      ];
      const deletion = server.request('DELETE', route);
      const answers = await Promise.all(
        requests.map(([method, what, body]) => server.request(method, route + what, body)),
      );
      expect((await deletion).status).toBe(200);
      for (const { status, body } of answers) {
        expect([200, 404]).toContain(status);
        if (status === 404)
          expect(JSON.stringify(body)).toMatch(/^\{"detail":"(Not Found|Conversation not found: .*)"\}$/);
      }
      expect((await server.request('GET', route)).status).toBe(404);
    }
  });
});
