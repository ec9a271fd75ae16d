import { scriptedRequest, type SeenEvent } from '../support/conversation-client.js';
import { ServerFixture } from '../support/server-fixture.js';

describe('run slots', () => {
  const fixture = ServerFixture.forTests({ env: { OH_MAX_CONCURRENT_RUNS: '1' } });

  it('refuses runs beyond the limit, and keeps the message', async () => {
    const busy = await fixture.create('RUN: sleep 100');
    await busy.reaches('running');
    const count = async () => (await fixture.server.request('GET', '/api/conversations/count')).body;
    const before = await count();
    const request = scriptedRequest(fixture.workspace, 'SAY: x');
    const post = () => fixture.server.request('POST', '/api/conversations', request);
    expect((await post()).status).toBe(429);
    const burst = await Promise.all(Array.from({ length: 8 }, post));
    expect(burst.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 429));
    expect(await count()).toBe(before);
    const other = await fixture.create();
    await expect(other.send('SAY: x')).rejects.toThrow(/429.*Message saved/);
    expect((await other.events('&kind=MessageEvent')).length).toBe(1);
    await busy.post('interrupt');
  });

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
