import type { SeenEvent } from '../support/conversation-client.js';
import { ServerFixture } from '../support/server-fixture.js';

describe('run slots', () => {
  const fixture = ServerFixture.forTests({ env: { OH_MAX_CONCURRENT_RUNS: '1' } });

  it('frees the slot of a run before a client sees that the run has finished', async () => {
    const conversation = await fixture.create();
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
