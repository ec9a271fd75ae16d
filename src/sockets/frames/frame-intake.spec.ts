import { once } from 'node:events';
import type net from 'node:net';
import { MAX_INBOUND_FRAGMENTS } from '../connections/socket-limits.js';
import { conversation, rawSocket, server, start, until } from '../../../test/sockets/socket-fixture.js';

const MIB = 1024 * 1024;

/** The header of a text frame with a mask of zeros, which leaves the payload unchanged. */
function header(size: number): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(size));
  return Buffer.concat([Buffer.from([0x81, 0x80 | 127]), length, Buffer.alloc(4)]);
}

/** The code of the close frame. Earlier frames must have at most 125 bytes. */
async function closeCode(socket: net.Socket): Promise<number> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => undefined);
  await once(socket, 'close');
  const bytes = Buffer.concat(chunks);
  const at = bytes.indexOf(0x88);
  return bytes.readUInt16BE(at + 2);
}

describe('a client without a key', () => {
  const path = () => `/sockets/events/${conversation.id}`;

  it('is closed with 4001 for a frame over 64 KiB, and disconnected if it does not answer', async () => {
    await start({ config: { session_api_keys: ['key-a'] } });
    const socket = await rawSocket(path());
    socket.write(header(70_000));
    expect(await closeCode(socket)).toBe(4001);
    await until(() => server.connections.size === 0);
  });

  it('is closed with 4001 for a fragmented message over 64 KiB', async () => {
    await start({ config: { session_api_keys: ['key-a'] } });
    const socket = await rawSocket(path());
    const part = Buffer.concat([Buffer.from([0x01, 0x80 | 126, 0xff, 0xff]), Buffer.alloc(4 + 0xffff)]);
    socket.write(part);
    socket.write(Buffer.from([0x00, 0x80 | 100, 0, 0, 0, 0]));
    expect(await closeCode(socket)).toBe(4001);
  });

  it('accepts a large message directly after its key', async () => {
    await start({ config: { session_api_keys: ['key-a'] } });
    const client = await server.connect(path());
    client.send({ type: 'auth', session_api_key: 'key-a' });
    client.send({ role: 'user', content: 'x'.repeat(5 * MIB) });
    const frames = await client.until((all) => all.some(({ kind }) => kind === 'MessageEvent'));
    expect(frames.length).toBeGreaterThan(1);
  });

  it('is closed with 1013 when there are too many, the oldest first', async () => {
    await start({ config: { session_api_keys: ['key-a'] }, limits: { socketsWithoutKey: 2 } });
    const clients = [
      await server.connect(path()),
      await server.connect(path()),
      await server.connect(path()),
    ];
    expect((await clients[0]?.closed)?.code).toBe(1013);
    for (const client of clients.slice(1)) {
      client.send({ type: 'auth', session_api_key: 'key-a' });
      expect(await client.frame(0)).toMatchObject({ key: 'full_state' });
    }
  });

  it('makes clients wait after too many wrong keys, even with a valid key', async () => {
    await start({ config: { session_api_keys: ['key-a'], max_failed_keys_per_minute: 2 } });
    for (let count = 0; count < 3; count += 1) await server.connect(`${path()}?session_api_key=wrong`);
    expect((await server.connect(`${path()}?session_api_key=key-a`)).refused?.status).toBe(429);
    const client = await server.connect(path());
    client.send({ type: 'auth', session_api_key: 'key-a' });
    expect((await client.closed).code).toBe(1013);
  });

  it('makes clients wait after too many wrong keys, unless its address has sent a valid key before', async () => {
    await start({ config: { session_api_keys: ['key-a'], max_failed_keys_per_minute: 2 } });
    await (await server.connect(`${path()}?session_api_key=key-a`)).frame(0);
    const statuses: (number | undefined)[] = [];
    for (let count = 0; count < 3; count += 1)
      statuses.push((await server.connect(`${path()}?session_api_key=wrong`)).refused?.status);
    expect(statuses).toEqual([403, 403, 429]);
    const client = await server.connect(path());
    client.send({ type: 'auth', session_api_key: 'wrong' });
    expect((await client.closed).code).toBe(1013);
    await (await server.connect(`${path()}?session_api_key=key-a`)).frame(0);
  });
});

describe('incomplete frames', () => {
  const path = () => `/sockets/events/${conversation.id}`;

  it('close their socket with 1013 when all together exceed the budget, and leave other sockets open', async () => {
    await start({ bytesInFlight: MIB });
    const other = await server.connect(path());
    await other.frame(0);
    const socket = await rawSocket(path());
    socket.write(header(8 * MIB));
    socket.write(Buffer.alloc(2 * MIB, 'x'));
    await new Promise((resolve) =>
      socket
        .on('error', () => undefined)
        .resume()
        .on('close', resolve),
    );
    other.send({ role: 'user', content: 'y'.repeat(MIB / 2) });
    await other.until((all) => all.some(({ kind }) => kind === 'MessageEvent'));
  });

  it('close their socket with 1008 when they have too many fragments', async () => {
    await start();
    const socket = await rawSocket(path());
    const part = Buffer.from([0x00, 0x80 | 1, 0, 0, 0, 0, 0x61]);
    const parts = Array<Buffer>(MAX_INBOUND_FRAGMENTS).fill(part);
    socket.write(Buffer.concat([Buffer.from([0x01, 0x80, 0, 0, 0, 0]), ...parts]));
    expect(await closeCode(socket)).toBe(1008);
  });

  it('close their socket when the rest does not arrive', async () => {
    await start({ limits: { pingIntervalMs: 100 } });
    const client = await server.connect(path());
    await client.frame(0);
    // It still answers pings.
    client.socket.send('the first of two parts', { fin: false });
    expect((await client.closed).code).toBe(1008);
  });
});

describe('a frame with too many values', () => {
  it('gets an error without being parsed, and the socket stays open', async () => {
    await start();
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    client.send(`[${'{},'.repeat(60_000)}{}]`);
    const frames = await client.until((all) => all.some(({ kind }) => kind === 'ServerErrorEvent'));
    expect(frames.at(-1)).toMatchObject({ code: 'JSONDecodeError', detail: 'More than 25000 values' });
  });
});
