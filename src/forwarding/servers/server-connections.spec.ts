import { once } from 'node:events';
import http, { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ServerConnections } from './server-connections.js';

describe('ServerConnections', () => {
  it('sees that a server lives while requests use all connections to it', async () => {
    let waiting = 0;
    const server = createServer((request, response) => {
      if (request.url === '/alive') response.end();
      else waiting += 1;
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const origin = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const connections = new ServerConnections();
    const { agent } = connections.to(origin);
    const limit = agent === false ? 0 : agent.maxSockets;
    for (let count = 0; count <= limit; count += 1) http.get(origin, { agent }).on('error', () => undefined);
    while (waiting < limit) await once(server, 'request');

    await expect(connections.answers(origin, 5_000)).resolves.toBe(true);

    connections.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});
