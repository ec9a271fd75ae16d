import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest, userMessage } from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';

describe('deletion of conversations', () => {
  let server: ServerProcess;
  let workspace: string;

  beforeAll(async () => {
    server = await ServerProcess.start();
    workspace = await mkdtemp(path.join(os.tmpdir(), 'workspace-'));
  });
  afterAll(async () => {
    await server.stop();
    await rm(workspace, { recursive: true, force: true, maxRetries: 5 });
  });

  it('answers requests during a deletion with 200 or 404', async () => {
    for (let round = 0; round < 10; round++) {
      const { route } = await ConversationClient.create(server, scriptedRequest(workspace, 'WAIT: 1000'));
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
