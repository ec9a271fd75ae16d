import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  ConversationClient,
  messageText,
  scriptedRequest,
  userMessage,
  type SeenEvent,
} from '../support/conversation-client.js';
import { startScriptedEndpoint } from '../support/scripted-endpoint.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { amount, underLoad } from './load-watch.js';
import { allSaw, QuickSocket } from './quick-socket.js';

const MB = 1_000_000;
/** Four or ten megabytes each, of characters that take one or two bytes in memory. */
const TEXT = 'ten million characters, "quoted" \\ and äöü '.repeat(250_000).slice(0, amount(3.7, 9.3) * MB);
const CHINESE = '三百三十万个字，“带引号”，"quoted" \\ 等等 '.repeat(230_000).slice(0, amount(1.9, 4.7) * MB);
const TEXTS: [script: string, text: string][] = [
  ['Latin', TEXT],
  ['Chinese', CHINESE],
];
/** The number of messages, sent one after the other. */
const COUNT = amount(2, 20);

describe('large messages', () => {
  let server: ServerProcess;
  let workspace: string;

  beforeAll(async () => {
    server = await ServerProcess.start();
    workspace = await mkdtemp(path.join(os.tmpdir(), 'workspace-'));
  });
  afterAll(async () => {
    await server.stop();
    await rm(workspace, { recursive: true, force: true });
  });

  const create = () => ConversationClient.create(server, scriptedRequest(workspace));

  /** The ids of the user's messages, and whether each is complete. */
  async function messagesOf(
    conversation: ConversationClient,
    text = TEXT,
  ): Promise<{ ids: string[]; whole: boolean }> {
    const ids: string[] = [];
    let whole = true;
    // One at a time, because a page of all of them would be very large.
    for (let page = ''; ;) {
      const query = `limit=1&kind=MessageEvent&source=user${page}`;
      const { body } = await server.request('GET', `${conversation.route}/events/search?${query}`);
      const { items, next_page_id } = body as { items: SeenEvent[]; next_page_id: string | null };
      for (const event of items) {
        ids.push(event.id);
        whole &&= messageText(event) === text;
      }
      if (next_page_id === null) return { ids, whole };
      page = `&page_id=${next_page_id}`;
    }
  }

  it.each(TEXTS)('large messages are accepted over REST and reach sockets: %s', async (script, text) => {
    const conversation = await create();
    // The first message adds the system prompt.
    await conversation.send('SAY: first', false);
    const socket = await new QuickSocket(server.socketUrl(`/sockets/events/${conversation.id}`)).opened();
    await underLoad(server, `${COUNT} messages of 10 MB over REST, ${script}`, async () => {
      for (let n = 0; n < COUNT; n += 1) {
        await conversation.send(text, false);
        await allSaw([socket], n + 1);
      }
    });
    const { ids } = await messagesOf(conversation);
    expect(socket.ids).toEqual(ids.slice(1));
    await socket.close();
  });

  it('large messages stay in order before small messages that follow at once', async () => {
    const conversation = await create();
    await conversation.send('SAY: first', false);
    const socket = await new QuickSocket(server.socketUrl(`/sockets/events/${conversation.id}`)).opened();
    const texts = Array.from({ length: 6 }, (_, n) => (n % 2 === 0 ? `${n}${TEXT}` : `SAY: ${n}`));
    for (const text of texts) socket.send(userMessage(text));
    const route = `${conversation.route}/events/count?kind=MessageEvent&source=user`;
    const count = async (): Promise<unknown> => (await server.request('GET', route)).body;
    await eventually(async () => (await count()) === texts.length + 1, 'all messages');
    await conversation.reaches('finished', 'error');
    const events = await conversation.events('&kind=MessageEvent&source=user&limit=10');
    const seen = events.map(messageText);
    expect(seen.slice(1).map((text, n) => text === texts[n])).toEqual(texts.map(() => true));
    await socket.close();
  });

  it.each(TEXTS)('large messages are accepted over a socket: %s', async (script, text) => {
    const conversation = await create();
    const socket = await new QuickSocket(server.socketUrl(`/sockets/events/${conversation.id}`)).opened();
    const taken = async (count: number): Promise<boolean> => {
      const route = `${conversation.route}/events/count?kind=MessageEvent&source=user`;
      return (await server.request('GET', route)).body === count;
    };
    await underLoad(server, `${COUNT} messages of 10 MB over a socket, ${script}`, async () => {
      for (let n = 1; n <= COUNT; n += 1) {
        socket.send(userMessage(text));
        await eventually(() => taken(n), `message ${n}`);
      }
      await conversation.reaches('finished', 'error');
    });
    expect(await messagesOf(conversation, text)).toMatchObject({ whole: true });
    expect(socket.closeCode).toBeUndefined();
    await socket.close();
  });

  it.each(TEXTS)('large messages are sent to a model: %s', async (script, text) => {
    const endpoint = await startScriptedEndpoint({
      script: Array.from({ length: 2 * COUNT }, () => ({ say: 'read' })),
    });
    const llm = { model: 'openai/scripted', base_url: endpoint.url, api_key: 'none', usage_id: 'agent' };
    try {
      await underLoad(server, `${COUNT} messages of 10 MB that a model gets, ${script}`, async () => {
        for (let n = 0; n < COUNT; n += 1) {
          // No title is requested: autotitle is off.
          const request = scriptedRequest(workspace, text, { agent: { llm, tools: [] } });
          const conversation = await ConversationClient.create(server, request);
          await conversation.reaches('finished');
        }
      });
      const sent = endpoint.requests.filter(({ body }) => JSON.stringify(body).length > text.length);
      expect(sent).toHaveLength(COUNT);
      const whole = sent.every(({ body }) =>
        JSON.stringify(body).includes(JSON.stringify(text).slice(1, -1)),
      );
      expect(whole).toBe(true);
    } finally {
      await endpoint.close();
    }
  });

  it('large messages are refused with a reason when they are too large', async () => {
    const conversation = await create();
    const huge = 'x'.repeat(amount(20, 40) * MB);
    await underLoad(server, 'messages of 40 MB', async () => {
      const { status, body } = await server.request(
        'POST',
        `${conversation.route}/events`,
        userMessage(huge),
      );
      expect(status).toBe(413);
      expect(body).toEqual({
        detail: 'Request body too large: the limit is 17825792 bytes. Send large files to the file routes.',
      });
      const socket = await new QuickSocket(server.socketUrl(`/sockets/events/${conversation.id}`)).opened();
      socket.send(userMessage(huge));
      await eventually(() => Promise.resolve(socket.closeCode !== undefined), 'the close');
      expect(socket.closeCode).toBe(1009);
    });
    expect((await messagesOf(conversation)).ids).toEqual([]);
    await conversation.send('SAY: small');
    await conversation.reaches('finished');
  });
});
