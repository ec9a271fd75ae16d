import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import express, { type RequestHandler } from 'express';
import { boundConnections } from './connection-bounds.js';

const MIB = 1024 * 1024;
const REQUEST = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

let server: Server;
let connections: Socket[];

async function start(answer: RequestHandler): Promise<Socket> {
  const app = express();
  server = createServer(app);
  app.use(boundConnections(server, 100)).use(answer);
  server.listen(0, '127.0.0.1');
  connections = [];
  server.on('connection', (socket) => connections.push(socket));
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  return client;
}

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function allClosed(): Promise<void> {
  for (const socket of connections) if (!socket.closed) await once(socket, 'close');
}

async function textOf(client: Socket): Promise<string> {
  let text = '';
  client.on('data', (chunk: Buffer) => (text += chunk.toString()));
  if (!client.closed) await once(client, 'close');
  return text;
}

describe('requests of one connection', () => {
  it('requests of one connection are handled one after the other when they arrive together, and answered in order', async () => {
    let open = 0;
    let count = 0;
    const client = await start((_request, response) => {
      expect((open += 1)).toBe(1);
      const name = `<${(count += 1)}>`;
      setImmediate(() => {
        open -= 1;
        response.end(name);
      });
    });
    client.write(`${REQUEST.repeat(9)}${REQUEST.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')}`);
    const text = await textOf(client);
    expect(text.match(/<\d+>/g)).toEqual([
      '<1>',
      '<2>',
      '<3>',
      '<4>',
      '<5>',
      '<6>',
      '<7>',
      '<8>',
      '<9>',
      '<10>',
    ]);
  });

  it('requests of one connection are not started when the client has disconnected', async () => {
    let begun = 0;
    const client = await start(() => (begun += 1));
    client.write(REQUEST.repeat(3));
    while (begun === 0) await new Promise((resolve) => setImmediate(resolve));
    client.destroy();
    await allClosed();
    await new Promise((resolve) => setImmediate(resolve));
    expect(begun).toBe(1);
  });

  it('end the connection when too many are pending', async () => {
    let begun = 0;
    const client = await start(() => (begun += 1));
    client.write(REQUEST.repeat(500));
    expect(await textOf(client)).toBe('');
    expect(begun).toBe(1);
  });
});

describe('a client with an open request', () => {
  it('is disconnected when it does not read a large answer', async () => {
    const client = await start((_request, response) => response.end(Buffer.alloc(64 * MIB)));
    client.pause();
    client.write(REQUEST);
    await once(server, 'request');
    await allClosed();
    client.destroy();
  });

  it('is not disconnected when its answer takes long', async () => {
    const client = await start((_request, response) => void setTimeout(() => response.end('<late>'), 500));
    client.write(REQUEST.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    expect(await textOf(client)).toContain('<late>');
  });
});
