import { once } from 'node:events';
import type { Socket } from 'node:net';
import fc from 'fast-check';
import { WebSocket } from 'ws';
import { conversation, rawSocket, server, start, until } from '../../../test/sockets/socket-fixture.js';

describe('socket limits', () => {
  it('close the socket over the limit of a conversation with 1013', async () => {
    await start({ config: { max_socket_subscribers: 2 } });
    const path = `/sockets/events/${conversation.id}`;
    const first = await server.connect(path);
    await first.frame(0);
    await (await server.connect(path)).frame(0);
    const third = await server.connect(path);
    expect(await third.closed).toEqual({ code: 1013, reason: 'Too many connections for this conversation' });
    first.socket.close();
    expect((await first.closed).code).toBe(1005);
    await until(() => server.bus.subscriberCount(conversation.id) === 1);
    await (await server.connect(path)).frame(0);
  });

  it('close the socket of a frame over 17 MiB with 1009', async () => {
    await start();
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    client.send(Buffer.alloc(17 * 1024 * 1024 + 1));
    expect((await client.closed).code).toBe(1009);
  });

  it('close the socket of a text frame that is not UTF-8 with 1007', async () => {
    await start();
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    client.socket.send(Buffer.from([0xff, 0xfe]), { binary: false });
    expect((await client.closed).code).toBe(1007);
  });
});

describe('a client that sends faster than its messages are stored', () => {
  const MEBIBYTE = 1024 * 1024;
  const FRAMES = 64;

  it('is paused until they are stored, also when it disconnects', async () => {
    await start();
    const store = conversation.sendMessage.bind(conversation);
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    conversation.sendMessage = async (...message) => {
      await released;
      await store(...message);
    };
    const transports: Socket[] = [];
    server.app.getHttpServer().on('connection', (transport) => transports.push(transport));
    const path = `/sockets/events/${conversation.id}`;
    const [patient, leaving] = [await server.connect(path), await server.connect(path)];
    for (const client of [patient, leaving]) {
      for (let index = 0; index < FRAMES; index += 1)
        client.send({ role: 'user', content: 'x'.repeat(MEBIBYTE) });
    }
    await until(() => transports.every((transport) => transport.isPaused()));
    for (const { bytesRead } of transports) expect(bytesRead).toBeLessThan(10 * MEBIBYTE);
    leaving.socket.terminate();
    release();
    await until(() => conversation.received.length >= FRAMES + 8);
    expect(server.connections.size).toBe(1);
  });
});

describe('invalid frames', () => {
  beforeEach(() => start());

  it.each([
    ['without a mask', [0x81, 0x01, 0x78], 1002],
    ['with a reserved bit', [0xc1, 0x80, 0, 0, 0, 0], 1002],
    ['with an unknown opcode', [0x83, 0x80, 0, 0, 0, 0], 1002],
    ['that continue no message', [0x80, 0x80, 0, 0, 0, 0], 1002],
    ['that are too long for a ping', [0x89, 0xfe, 0xff, 0xff, 0, 0, 0, 0], 1002],
    ['that close with an invalid code', [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe7], 1002],
    ['that close with an incomplete code', [0x88, 0x81, 0, 0, 0, 0, 0x03], 1002],
    ['that announce too many bytes', [0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], 1009],
    [
      'that announce more bytes than a number can hold',
      [0x81, 0xff, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
      1009,
    ],
  ])('%s are answered with a close frame', async (_, bytes, code) => {
    const socket = await rawSocket(`/sockets/events/${conversation.id}`);
    const received: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => received.push(chunk));
    socket.write(Buffer.from(bytes));
    await once(socket, 'end');
    expect([...Buffer.concat(received).subarray(-4)]).toEqual([0x88, 2, code >> 8, code & 0xff]);
  });

  it('with any content get an error, and the socket stays open', async () => {
    const text = fc.oneof(fc.string(), fc.json(), fc.string({ unit: 'binary' }));
    const frames = fc.array(
      fc.oneof(
        text,
        fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      ),
      { maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(frames, async (sent) => {
        const client = await server.connect(`/sockets/events/${conversation.id}`);
        for (const frame of sent) client.send(frame);
        client.send({ role: 'user', content: 'end' });
        const received = await client.until((all) => all.some((frame) => frame['kind'] === 'MessageEvent'));
        const errors = received.filter((frame) => frame['kind'] === 'ServerErrorEvent');
        expect(errors).toHaveLength(sent.length);
        client.socket.close(1000);
        expect((await client.closed).code).toBe(1000);
      }),
      { numRuns: 30 },
    );
  });
});

describe('a ping', () => {
  it('that is not answered terminates the socket, and one that is answered does not', async () => {
    await start({ limits: { pingIntervalMs: 200 } });
    const path = `/sockets/events/${conversation.id}`;
    const [alive, dead] = await Promise.all([
      server.connect(path),
      server.connect(path, { autoPong: false }),
    ]);
    expect((await dead.closed).code).toBe(1006);
    for (let pings = 0; pings < 3; pings += 1)
      await new Promise((resolve) => alive.socket.once('ping', resolve));
    expect(alive.socket.readyState).toBe(WebSocket.OPEN);
    await until(() => server.bus.subscriberCount(conversation.id) === 1);
  });
});

describe('the shutdown of the server', () => {
  it('closes every socket with 1012, including one that does not read', async () => {
    await start({ limits: { shutdownGraceMs: 100 } });
    const path = `/sockets/events/${conversation.id}`;
    const [reading, paused] = await Promise.all([server.connect(path), server.connect(path)]);
    await Promise.all([reading.frame(0), paused.frame(0)]);
    paused.socket.pause();
    await server.app.close();
    expect(await reading.closed).toEqual({ code: 1012, reason: '' });
    expect(server.bus.subscriberCount(conversation.id)).toBe(0);
    expect(server.connections.size).toBe(0);
  });
});
