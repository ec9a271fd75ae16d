import { once } from 'node:events';
import { Agent, createServer, IncomingMessage } from 'node:http';
import { type AddressInfo, Socket } from 'node:net';
import { RequestBody } from './request-body.js';
import { askUpstream } from './upstream.js';

describe('requests that wait for a connection', () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const server = createServer();
  let origin: URL;
  beforeAll(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    origin = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const isTaken = once(server, 'request');
    ask(new AbortController().signal).catch(() => undefined);
    await isTaken;
  });
  afterAll(async () => {
    agent.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const ask = (stop: AbortSignal): Promise<IncomingMessage> => {
    const outgoing = { upstream: { origin, agent }, method: 'GET', target: '/', headers: {} };
    return askUpstream(outgoing, new RequestBody(new IncomingMessage(new Socket())), stop);
  };

  it('end at once when the client leaves', async () => {
    const stop = new AbortController();
    const asked = ask(stop.signal);
    stop.abort('left');
    await expect(asked).rejects.toBe('left');
  });

  it('fail after some seconds', async () => {
    await expect(ask(new AbortController().signal)).rejects.toMatchObject({ phase: 'queue' });
  });
});
