import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest, type SeenEvent } from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';

describe('run slots', () => {
  let server: ServerProcess;
  let workspace: string;

  beforeAll(async () => {
    server = await ServerProcess.start({ env: { OH_MAX_CONCURRENT_RUNS: '1' } });
    workspace = await mkdtemp(path.join(os.tmpdir(), 'workspace-'));
  });
  afterAll(async () => {
    await server.stop();
    await rm(workspace, { recursive: true, force: true, maxRetries: 5 });
  });

  it('frees the slot of a run before a client sees that the run has finished', async () => {
    const conversation = await ConversationClient.create(server, scriptedRequest(workspace));
    const { socket } = await conversation.listen();
    const finished = () =>
      new Promise<void>((resolve) => {
        const look = (data: Buffer): void => {
          const { key, value } = JSON.parse(data.toString()) as SeenEvent;
          if (key !== 'execution_status' || value !== 'finished') return;
          socket.off('message', look);
          resolve();
        };
        socket.on('message', look);
      });
    for (let round = 0; round < 20; round += 1) {
      const end = finished();
      // Throws when it is refused. Polling for the status would be too late to notice.
      await conversation.send(`SAY: ${round}`);
      await end;
    }
    socket.terminate();
  });
});
