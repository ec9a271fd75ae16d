import type { Socket } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { amount, underLoad } from './load-watch.js';
import { allSaw, deafSocket, metric, QuickSocket } from './quick-socket.js';

describe('many sockets', () => {
  let server: ServerProcess;
  let workspace: string;
  const deaf: Socket[] = [];

  beforeAll(async () => {
    server = await ServerProcess.start();
    workspace = await mkdtemp(path.join(os.tmpdir(), 'workspace-'));
  });
  afterEach(async () => {
    for (const socket of deaf.splice(0)) socket.destroy();
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
    for (let n = 0; n < count; n += 1) deaf.push(await deafSocket(server, route(conversation)));
  }

  async function attached(count: number): Promise<void> {
    await eventually(
      async () => (await metric(server, 'agent_server_sockets')) === count,
      `${count} sockets`,
    );
  }

  /** Ids of what is in the log, without state updates, as the server tells them. */
  async function logged(conversation: ConversationClient): Promise<string[]> {
    const events = await conversation.events();
    return events.filter(({ kind }) => kind !== 'ConversationStateUpdateEvent').map(({ id }) => id);
  }

  it('brings each event once and in order to all that read, while others do not', async () => {
    const [reading, deafCount, events] = [amount(45, 900), amount(5, 100), amount(100, 500)];
    const conversation = await create();
    const sockets = await readers(conversation, reading);
    await nonReaders(conversation, deafCount);
    await attached(reading + deafCount);
    const name = `${reading + deafCount} sockets, ${deafCount} of them deaf, ${events} events`;
    await underLoad(server, name, async () => {
      for (let n = 0; n < events; n += 1) await conversation.send(`${n} ${'x'.repeat(1000)}`, false);
      await allSaw(sockets, events);
    });
    const expected = await logged(conversation);
    for (const { ids } of sockets) expect(ids).toEqual(expected);
    await Promise.all(sockets.map((socket) => socket.close()));
  });

  it('closes those that never read when much waits for them, and keeps within its memory', async () => {
    const [deafCount, events, size] = [amount(10, 100), 40, 1024 * 1024];
    const conversation = await create();
    const sockets = await readers(conversation, 3);
    await nonReaders(conversation, deafCount);
    await attached(3 + deafCount);
    const slowBefore = await metric(server, 'agent_server_sockets_slow_total');
    const name = `${deafCount} deaf sockets, ${events} events of 1 MiB`;
    const { memory } = await underLoad(server, name, async () => {
      for (let n = 0; n < events; n += 1) await conversation.send('x'.repeat(size), false);
      await allSaw(sockets, events);
    });
    expect((await metric(server, 'agent_server_sockets_slow_total')) - slowBefore).toBe(deafCount);
    const expected = await logged(conversation);
    for (const { ids } of sockets) expect(ids).toEqual(expected);
    // What waits is shared by all that wait: not so many times 16 MiB.
    if (memory) expect(memory.peak - memory.before).toBeLessThan(400);
    await Promise.all(sockets.map((socket) => socket.close()));
  });

  it('gives everybody the whole log in a storm of new connections, while it grows', async () => {
    const [clients, events, storms] = [amount(40, 1000), amount(200, 300), amount(2, 3)];
    const conversation = await create();
    for (let n = 0; n < events; n += 1) await conversation.send(`${n} ${'x'.repeat(1000)}`, false);
    await underLoad(server, `${storms} storms of ${clients} clients, a log of ${events} events`, async () => {
      for (let storm = 1; storm <= storms; storm += 1) {
        const url = server.socketUrl(`${route(conversation)}?resend_mode=all`);
        const sockets = Array.from({ length: clients }, () => new QuickSocket(url));
        for (let n = 0; n < 10; n += 1) await conversation.send(`more ${storm} ${n}`, false);
        const expected = await logged(conversation);
        await allSaw(sockets, expected.length);
        for (const { ids } of sockets) expect(ids).toEqual(expected);
        for (const socket of sockets) socket.cut();
      }
    });
  });
});
