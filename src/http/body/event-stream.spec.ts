import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { EventStream } from './event-stream.js';

describe('EventStream', () => {
  let client: Socket;
  let response: ServerResponse;
  const server = createServer();

  beforeEach(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('no port');
    const asked = new Promise<ServerResponse>((resolve) =>
      server.once('request', (_, answer) => resolve(answer)),
    );
    client = connect(address.port, '127.0.0.1');
    client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    response = await asked;
  });
  afterEach(async () => {
    client.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('sends the headers before the first event', async () => {
    new EventStream(response, 60);
    const [first] = (await once(client, 'data')) as [Buffer];
    expect(first.toString()).toMatch(
      /^HTTP\/1\.1 200 OK\r\nContent-Type: text\/event-stream; charset=utf-8\r\n/,
    );
  });

  it('closes the connection of a client that does not read', async () => {
    client.pause();
    const stream = new EventStream(response, 60);
    const closed = once(response, 'close');
    const text = 'x'.repeat(1024 * 1024);
    // More than the limit and the socket buffers, which hold a few MiB.
    for (let sent = 0; sent < 64 && !response.destroyed; sent++) stream.send({ text });
    expect(response.destroyed).toBe(true);
    await closed;
    // Further calls are ignored.
    stream.send({ text });
    stream.end('[DONE]');
  });
});
