import type { Socket } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { amount, underLoad } from './load-watch.js';
import { allSaw, metric, QuickSocket, stoppedSocket } from './quick-socket.js';

describe('many sockets', () => {
  let server: ServerProcess;
  let workspace: string;
  const stopped: Socket[] = [];

  beforeAll(async () => {
    server = await ServerProcess.start();
    workspace = await mkdtemp(path.join(os.tmpdir(), 'workspace-'));
  });
  afterEach(async () => {
    for (const socket of stopped.splice(0)) socket.destroy();
    await eventually(
      async () => (await metric(server, 'agent_server_sockets')) === 0,
      'the end of all sockets',
    );
  });
  afterAll(async () => {
    await server.stop();
    await rm(workspace, { recursive: true, force: true });
  });

  const create = () => ConversationClient.create(server, scriptedRequest(workspace));
  const route = ({ id }: ConversationClient) => `/sockets/events/${id}`;

  async function readers(
    conversation: ConversationClient,
    count: number,
    query = '',
  ): Promise<QuickSocket[]> {
    const url = server.socketUrl(route(conversation) + query);
    return Promise.all(Array.from({ length: count }, () => new QuickSocket(url).opened()));
  }

  async function nonReaders(conversation: ConversationClient, count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) stopped.push(await stoppedSocket(server, route(conversation)));
  }

  async function attached(count: number): Promise<void> {
    await eventually(
      async () => (await metric(server, 'agent_server_sockets')) === count,
      `${count} sockets`,
    );
  }

  /** The ids of the events in the log, without state updates. */
  async function logged(conversation: ConversationClient): Promise<string[]> {
    const events = await conversation.events();
    return events.filter(({ kind }) => kind !== 'ConversationStateUpdateEvent').map(({ id }) => id);
  }

  it('receive each event once and in order, while other clients do not read', async () => {
    const [reading, stoppedCount, events] = [amount(45, 900), amount(5, 100), amount(100, 500)];
    const conversation = await create();
    const sockets = await readers(conversation, reading);
    await nonReaders(conversation, stoppedCount);
    await attached(reading + stoppedCount);
    const name = `${reading + stoppedCount} sockets, ${stoppedCount}not reading, ${events} events`;
    await underLoad(server, name, async () => {
      for (let n = 0; n < events; n += 1) await conversation.send(`${n} ${'x'.repeat(1000)}`, false);
      await allSaw(sockets, events);
    });
    const expected = await logged(conversation);
    for (const { ids } of sockets) expect(ids).toEqual(expected);
    await Promise.all(sockets.map((socket) => socket.close()));
  });

  it('many sockets are closed when they never read and too much is queued, within a bound of memory', async () => {
    const [stoppedCount, events, size] = [amount(10, 100), 40, 1024 * 1024];
    const conversation = await create();
    const sockets = await readers(conversation, 3);
    await nonReaders(conversation, stoppedCount);
    await attached(3 + stoppedCount);
    const slowBefore = await metric(server, 'agent_server_sockets_slow_total');
    const name = `${stoppedCount}sockets that do not read, ${events} events of 1 MiB`;
    const { memory } = await underLoad(server, name, async () => {
      for (let n = 0; n < events; n += 1) await conversation.send('x'.repeat(size), false);
      await allSaw(sockets, events);
    });
    expect((await metric(server, 'agent_server_sockets_slow_total')) - slowBefore).toBe(stoppedCount);
    const expected = await logged(conversation);
    for (const { ids } of sockets) expect(ids).toEqual(expected);
    // Queued events are shared: the sockets do not hold 16 MiB each.
    if (memory) expect(memory.peak - memory.before).toBeLessThan(400);
    await Promise.all(sockets.map((socket) => socket.close()));
  });

  it('all receive the whole log while many connect at once and the log grows', async () => {
    const [clients, events, bursts] = [amount(40, 1000), amount(200, 300), amount(2, 3)];
    const conversation = await create();
    for (let n = 0; n < events; n += 1) await conversation.send(`${n} ${'x'.repeat(1000)}`, false);
    await underLoad(server, `${bursts} bursts of ${clients} clients, a log of ${events} events`, async () => {
      for (let burst = 1; burst <= bursts; burst += 1) {
        const url = server.socketUrl(`${route(conversation)}?resend_mode=all`);
        const sockets = Array.from({ length: clients }, () => new QuickSocket(url));
        for (let n = 0; n < 10; n += 1) await conversation.send(`more ${burst} ${n}`, false);
        const expected = await logged(conversation);
        await allSaw(sockets, expected.length);
        for (const { ids } of sockets) expect(ids).toEqual(expected);
        for (const socket of sockets) socket.cut();
      }
    });
  });
});
