import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { eventually } from '../support/server-process.js';
import { TcpProxy } from '../support/tcp-proxy.js';

describe('a TCP proxy that behaves as a bad network', () => {
  let echo: Server;
  let proxy: TcpProxy;
  let received: string;
  let client: Socket;
  let answers: string;

  beforeEach(async () => {
    received = answers = '';
    echo = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => {
        received += bytes.toString();
        socket.write(bytes);
      });
    });
    await once(echo.listen(0, '127.0.0.1'), 'listening');
    proxy = await TcpProxy.start(`tcp://127.0.0.1:${(echo.address() as AddressInfo).port}`);
    client = await connected();
    client.write('a');
    await eventually(() => answers === 'a', 'the first answer');
  });
  afterEach(async () => {
    client.destroy();
    await proxy.stop();
    await new Promise((resolve) => echo.close(resolve));
  });

  function dialled(): Socket {
    const socket = connect(Number(new URL(proxy.url).port), '127.0.0.1');
    socket.on('data', (bytes) => (answers += bytes.toString()));
    socket.on('error', () => undefined);
    return socket;
  }

  async function connected(): Promise<Socket> {
    const socket = dialled();
    await once(socket, 'connect');
    return socket;
  }

  function isClosed(socket: Socket): Promise<void> {
    return eventually(() => socket.closed, 'the end of the connection');
  }

  it('keeps bytes back while it is frozen, and passes them afterwards', async () => {
    proxy.behave({ freeze: true });
    client.write('bcd');
    const other = await connected();
    other.write('x');
    await eventually(() => proxy.connections === 2, 'the other connection');
    expect([received, answers]).toEqual(['a', 'a']);
    proxy.behave();
    await eventually(() => answers.includes('bcd') && answers.includes('x'), 'the answers');
    other.destroy();
  });

  it('delays bytes in both directions', async () => {
    proxy.behave({ delayMs: 50 });
    const start = performance.now();
    client.write('b');
    await eventually(() => answers === 'ab', 'the answer');
    expect(performance.now() - start).toBeGreaterThanOrEqual(99);
  });

  it('cuts the open connections and refuses new ones while it drops', async () => {
    proxy.behave({ drop: true });
    await isClosed(client);
    await isClosed(dialled());
    proxy.behave();
    client = await connected();
    client.write('b');
    await eventually(() => answers === 'ab', 'the answer');
  });

  it.each(['toServer', 'toClient'] as const)('cuts once at a byte (%s)', async (direction) => {
    proxy.behave({ cut: { direction, bytes: 2, once: true } });
    client.write('bcd');
    await isClosed(client);
    const isToServer = direction === 'toServer';
    await eventually(() => received === (isToServer ? 'abc' : 'abcd'), 'what the server received');
    expect(answers.length).toBeLessThanOrEqual(3);
    client = await connected();
    client.write('efgh');
    await eventually(() => answers.endsWith('efgh'), 'the answer');
  });
});
