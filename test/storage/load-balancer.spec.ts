import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { LoadBalancer } from '../support/cluster/load-balancer.mjs';
import { randomOf } from '../support/random.js';

describe('the load balancer of the tests', () => {
  const servers: Server[] = [];
  let balancer: LoadBalancer;
  beforeEach(async () => {
    balancer = await LoadBalancer.start(randomOf(1));
    for (let name = 0; name < 3; name += 1) servers.push(await start(String(name)));
    balancer.setTargets(servers.map(address));
  });
  afterEach(async () => {
    await balancer.stop();
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  const address = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function start(name: string): Promise<Server> {
    const server = createServer((request, response) => {
      response.setHeader('set-cookie', ['a=1', 'b=2']);
      if (request.url === '/cut') {
        response.write('half');
        setImmediate(() => response.destroy());
      } else request.pipe(response.writeHead(207, { 'x-server': name, 'x-sent': request.headers['x-mine'] }));
    });
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', (socket) => {
      socket.on('message', (data) => socket.send(`${name}: ${(data as Buffer).toString()}`));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return server;
  }

  it('spreads requests over all servers, unchanged in both directions', async () => {
    const body = 'x'.repeat(300_000);
    const seen = new Set<string | null>();
    for (let count = 0; count < 30; count += 1) {
      const answer = await fetch(`${balancer.url}/a?b=c`, {
        method: 'PUT',
        body,
        headers: { 'x-mine': 'm' },
      });
      expect([answer.status, answer.headers.get('x-sent')]).toEqual([207, 'm']);
      expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
      expect(await answer.text()).toBe(body);
      seen.add(answer.headers.get('x-server'));
    }
    expect(seen.size).toBe(3);
    expect([...balancer.counts.values()].reduce((sum, one) => sum + one, 0)).toBe(30);
  });

  it('spreads sockets over all servers', async () => {
    const seen = new Set<string>();
    for (let count = 0; count < 20; count += 1) {
      const socket = new WebSocket(`${balancer.url}/socket`.replace('http', 'ws'));
      await once(socket, 'open');
      socket.send('hello');
      const [data] = (await once(socket, 'message')) as [Buffer];
      seen.add(data.toString());
      socket.close();
      await once(socket, 'close');
    }
    expect([...seen].sort()).toEqual(['0: hello', '1: hello', '2: hello']);
  });

  it('asks another server if one is gone, and cuts an answer that its server cuts', async () => {
    await expect(fetch(`${balancer.url}/cut`).then((answer) => answer.text())).rejects.toThrow();
    const [gone] = servers;
    gone?.closeAllConnections();
    gone?.close();
    for (let count = 0; count < 10; count += 1) {
      const answer = await fetch(balancer.url, { headers: { 'x-mine': 'm' } });
      expect(answer.headers.get('x-server')).not.toBe('0');
    }
    balancer.setTargets([]);
    expect((await fetch(balancer.url)).status).toBe(502);
  });
});
