import { once } from 'node:events';
import { WebSocket } from 'ws';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';

/** A command that only ends when it is stopped. */
const ENDLESS = 'RUN: while true; do sleep 0.1; done';

describe('a session socket', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterAll(() => server.stop());

  it.each(['idle', 'running'])(
    'is closed with 4004 when its conversation is deleted while it is %s',
    async (status) => {
      const conversation = await ConversationClient.create(server, scriptedRequest(server.cwd));
      const socket = new WebSocket(server.socketUrl(`/sockets/session/${conversation.id}?after_seq=-1`));
      const closed = once(socket, 'close');
      await once(socket, 'message');
      if (status === 'running') {
        await conversation.send(ENDLESS);
        await conversation.startsTool();
      }
      await server.request('DELETE', conversation.route);
      const [code, reason] = (await closed) as [number, Buffer];
      expect([code, reason.toString()]).toEqual([4004, 'Conversation not found']);
    },
  );
});
