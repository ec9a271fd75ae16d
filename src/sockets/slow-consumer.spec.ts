import { delta, numbered } from '../../test/sockets/in-memory-conversations.js';
import { SocketServer } from '../../test/sockets/socket-server.js';
import { MAX_PENDING_BYTES } from './connections/socket-limits.js';

const MEBIBYTE = 1024 * 1024;

let server: SocketServer;
afterEach(() => server.stop());

describe('a client that stops reading', () => {
  it('is closed with 1013 when too much is buffered, and resumes without a loss', async () => {
    server = await SocketServer.start();
    const conversation = server.conversation();
    const path = `/sockets/session/${conversation.id}?after_seq=-1`;
    const [slow, quick] = await Promise.all([server.connect(path), server.connect(path)]);
    await Promise.all([slow.frame(1), quick.frame(1)]);
    slow.socket.pause();
    // Kernel buffers take some bytes, so more than the limit is needed.
    while (server.bus.subscriberCount(conversation.id) === 2) {
      await conversation.append(numbered('x'.repeat(MEBIBYTE)));
      expect(conversation.length).toBeLessThan(64);
    }
    await quick.until((frames) => frames.length === conversation.length + 2);

    slow.socket.resume();
    expect(await slow.closed).toEqual({ code: 1013, reason: 'slow_consumer' });
    const seen = slow.frames.flatMap((frame) => (typeof frame['seq'] === 'number' ? [frame['seq']] : []));
    expect(seen).toEqual(seen.map((_, index) => index));
    expect(seen.length).toBeLessThan(conversation.length);

    const resumed = await server.connect(`/sockets/session/${conversation.id}?after_seq=${seen.length - 1}`);
    await resumed.until((frames) => frames.length === conversation.length - seen.length + 2);
    expect(resumed.frames[1]).toMatchObject({ seq: seen.length });
  });

  it('misses output of commands, and stays open', async () => {
    server = await SocketServer.start();
    const conversation = server.conversation();
    const [slow, quick] = await Promise.all(
      [1, 2].map(() => server.connect(`/sockets/session/${conversation.id}`)),
    );
    if (!slow || !quick) throw new Error('not connected');
    await Promise.all([slow.frame(1), quick.frame(1)]);
    slow.socket.pause();
    const text = 'x'.repeat(16 * 1024);
    const count = 2000;
    for (let piece = 0; piece < count; piece += 1) {
      const of = { conversationId: conversation.id, actionId: 'a' };
      server.bus.publishOutput({ ...of, offset: piece * text.length, text });
      await quick.frame(piece + 2);
    }
    await conversation.append(numbered('last'));
    slow.socket.resume();
    const frames = await slow.until((all) => all.some(({ type }) => type === 'durable'));
    expect(frames.length).toBeLessThan(count);
    expect(frames.at(-1)).toMatchObject({ type: 'durable', seq: 0 });
  });

  it('pauses a replay without filling the memory of the server', async () => {
    server = await SocketServer.start();
    const conversation = server.conversation();
    for (let n = 0; n < 64; n += 1) await conversation.append(numbered('x'.repeat(MEBIBYTE)));
    const read = new Set<number>();
    const readBytes = conversation.readBytes.bind(conversation);
    conversation.readBytes = async (from, limit, bytes) => {
      const lines = await readBytes(from, limit, bytes);
      for (const index of lines.keys()) read.add(from + index);
      return lines;
    };
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    await client.frame(0);
    const replaying = await server.connect(`/sockets/events/${conversation.id}?resend_mode=all`);
    replaying.socket.pause();
    for (let n = 0; n < 20; n += 1) await conversation.append(numbered(n));
    await client.until((frames) => frames.length === 21);
    // Kernel buffers take some bytes.
    expect(read.size * MEBIBYTE).toBeLessThan(2 * MAX_PENDING_BYTES);
    replaying.socket.resume();
    const frames = await replaying.until((all) => all.length === 85);
    expect(frames.slice(1).map((frame) => frame['id'])).toEqual(conversation.events.map(({ id }) => id));
  });

  it('is not closed as slow only because events are large', async () => {
    server = await SocketServer.start();
    const conversation = server.conversation();
    for (let n = 0; n < 6; n += 1) await conversation.append(numbered('x'.repeat(9 * MEBIBYTE)));
    const client = await server.connect(`/sockets/events/${conversation.id}?resend_mode=all`);
    const frames = await client.until((all) => all.length === 7);
    expect(frames.slice(1).map((frame) => frame['id'])).toEqual(conversation.events.map(({ id }) => id));
  });

  it('misses deltas of unfinished answers before other events', async () => {
    server = await SocketServer.start();
    const conversation = server.conversation();
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    await client.frame(0);
    client.socket.pause();
    for (let n = 0; n < 12; n += 1) await conversation.append(numbered('x'.repeat(MEBIBYTE)));
    for (let n = 0; n < 30_000; n += 1) conversation.publish(delta('x'.repeat(1000)));
    await conversation.append(numbered('end'));
    client.socket.resume();
    const frames = await client.until((all) => all.at(-1)?.['value'] === 'end');
    const deltas = frames.filter((frame) => frame['kind'] === 'StreamingDeltaEvent');
    expect(frames.length - deltas.length).toBe(14);
    expect(deltas.length).toBeLessThan(30_000);
  });
});

describe('a client that watches all conversations', () => {
  it('is closed with 1013 when it does not read', async () => {
    server = await SocketServer.start({ limits: { summaryBytes: MEBIBYTE } });
    const [slow, quick] = await Promise.all([
      server.connect('/sockets/conversations'),
      server.connect('/sockets/conversations'),
    ]);
    await Promise.all([slow.frame(0), quick.frame(0)]);
    slow.socket.pause();
    let published = 0;
    // Kernel buffers take some bytes, so more than the limit is needed.
    while (server.summaries.size === 2) {
      server.summaries.publish({ type: 'summary', summary: { title: 'x'.repeat(MEBIBYTE / 4) } });
      published += 1;
      await quick.until((frames) => frames.length > published);
      expect(published).toBeLessThan(256);
    }
    slow.socket.resume();
    expect(await slow.closed).toEqual({ code: 1013, reason: 'slow_consumer' });
    expect(slow.frames.length).toBeLessThan(published + 1);
  });
});
