import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  ConversationClient,
  messageText,
  scriptedRequest,
  type SeenEvent,
} from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';
import { amount, underLoad } from './load-watch.js';
import { allSaw, QuickSocket } from './quick-socket.js';

/** The text of one event: just below the size from which a single event is processed in slices. */
const TEXT = 'nine hundred thousand characters of one event '.repeat(20_000).slice(0, 900_000);
const COUNT = amount(20, 200);

describe('a log of large events', () => {
  let server: ServerProcess;
  let workspace: string;
  let conversation: ConversationClient;

  beforeAll(async () => {
    server = await ServerProcess.start();
    workspace = await mkdtemp(path.join(os.tmpdir(), 'workspace-'));
    conversation = await ConversationClient.create(server, scriptedRequest(workspace));
    for (let n = 0; n < COUNT; n += 1) await conversation.send(`${n} ${TEXT}`, false);
  });
  afterAll(async () => {
    await server.stop();
    await rm(workspace, { recursive: true, force: true });
  });

  const named = (what: string): string => `${what} ${COUNT} events of 900 kB`;
  const pageOf = async (route: string, query: string): Promise<SeenEvent[]> => {
    const { body } = await server.request('GET', `${route}/events/search?kind=MessageEvent&${query}`);
    return (body as { items: SeenEvent[] }).items;
  };
  const numberOf = (event: SeenEvent): number => Number.parseInt(messageText(event), 10);
  const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

  it('a log of large events can be searched for a text', async () => {
    await underLoad(server, named('a text search in'), async () => {
      const found = await pageOf(conversation.route, `limit=2&body=${COUNT - 1}%20nine`);
      expect(found.map(numberOf)).toEqual([COUNT - 1]);
    });
  });

  it('a log of large events can be read in pages', async () => {
    await underLoad(server, named('pages of'), async () => {
      const count = Math.min(COUNT, 50);
      const first = await pageOf(conversation.route, `limit=${count}`);
      expect(first.map(numberOf)).toEqual(numbers(count));
      const last = await pageOf(conversation.route, `limit=${count}&sort_order=TIMESTAMP_DESC`);
      expect(last.map(numberOf)).toEqual(numbers(COUNT).reverse().slice(0, count));
    });
  });

  it('a log of large events can be replayed to a socket', async () => {
    await underLoad(server, named('a replay of'), async () => {
      const route = `/sockets/events/${conversation.id}?resend_mode=all`;
      const socket = await new QuickSocket(server.socketUrl(route)).opened();
      await allSaw([socket], COUNT);
      await socket.close();
    });
  });

  it('a log of large events can be copied by a fork', async () => {
    await underLoad(server, named('a fork of'), async () => {
      const { status, body } = await server.request('POST', `${conversation.route}/fork`, {});
      expect(status).toBe(201);
      const route = `/api/conversations/${(body as { id: string }).id}`;
      const last = await pageOf(route, 'limit=1&sort_order=TIMESTAMP_DESC');
      expect(last.map(numberOf)).toEqual([COUNT - 1]);
    });
  });
});
