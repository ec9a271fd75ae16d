import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest, userMessage } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { amount, underLoad } from './load-watch.js';
import { allSaw, QuickSocket } from './quick-socket.js';

const MB = 1_000_000;
const TEXT = 'ten million characters, "quoted" \\ and äöü '.repeat(250_000).slice(0, 10 * MB);
/** Of all messages one after the other. */
const COUNT = amount(3, 20);

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

  async function textsOf(conversation: ConversationClient): Promise<string[]> {
    const messages = await conversation.events('&kind=MessageEvent&source=user');
    return messages.map(
      ({ llm_message }) => (llm_message as { content: { text: string }[] }).content[0]?.text ?? '',
    );
  }

  it('are taken over REST, and reach sockets', async () => {
    const conversation = await create();
    const socket = await new QuickSocket(server.socketUrl(`/sockets/events/${conversation.id}`)).opened();
    await underLoad(server, `${COUNT} messages of 10 MB over REST`, async () => {
      for (let n = 0; n < COUNT; n += 1) await conversation.send(TEXT, false);
      await allSaw([socket], COUNT);
    });
    const messages = await conversation.events('&kind=MessageEvent&source=user');
    expect(socket.ids).toEqual(messages.map(({ id }) => id));
    expect((await textsOf(conversation)).every((text) => text === TEXT)).toBe(true);
    await socket.close();
  });

  it('are taken over a socket', async () => {
    const conversation = await create();
    const socket = await new QuickSocket(server.socketUrl(`/sockets/events/${conversation.id}`)).opened();
    await underLoad(server, `${COUNT} messages of 10 MB over a socket`, async () => {
      for (let n = 0; n < COUNT; n += 1) socket.send(userMessage(TEXT));
      await eventually(async () => (await textsOf(conversation)).length === COUNT, 'all of them');
    });
    expect((await textsOf(conversation)).every((text) => text === TEXT)).toBe(true);
    await socket.close();
  });

  it('are refused with a reason where they are too large', async () => {
    const conversation = await create();
    const huge = 'x'.repeat(40 * MB);
    await underLoad(server, 'messages of 40 MB', async () => {
      const { status, body } = await server.request(
        'POST',
        `${conversation.route}/events`,
        userMessage(huge),
      );
      expect(status).toBe(413);
      expect(body).toEqual({ detail: 'Request body too large: the limit is 33554432 bytes' });
      const socket = await new QuickSocket(server.socketUrl(`/sockets/events/${conversation.id}`)).opened();
      socket.send(userMessage(huge));
      await eventually(() => Promise.resolve(socket.closeCode !== undefined), 'the close');
      expect(socket.closeCode).toBe(1009);
    });
    expect(await textsOf(conversation)).toEqual([]);
    await conversation.send('SAY: small');
    await conversation.reaches('finished');
  });
});
