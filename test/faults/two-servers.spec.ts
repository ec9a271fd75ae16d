import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  ConversationClient,
  scriptedRequest,
  SocketRecorder,
  userMessage,
} from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';

describe('two servers on one folder', () => {
  let folder: string;
  const servers: ServerProcess[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-'));
    servers.push(await ServerProcess.start({ cwd: folder }), await ServerProcess.start({ cwd: folder }));
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await rm(folder, { recursive: true, force: true });
  });

  it('only the owner writes; everybody reads; after the owner is gone the other takes over', async () => {
    const [owner, other] = servers as [ServerProcess, ServerProcess];
    const mine = await ConversationClient.create(
      owner,
      scriptedRequest(path.join(folder, 'work'), 'FINISH: done'),
    );
    await mine.reaches('finished');
    const theirs = mine.on(other);

    expect(await theirs.events()).toEqual(await mine.events());
    expect((await other.request('GET', `${theirs.route}/agent_final_response`)).body).toEqual({
      response: 'done',
    });
    const message = await other.request('POST', `${theirs.route}/events`, userMessage('SAY: no'));
    const refusal = { detail: `Conversation ${mine.id} is owned by another live agent server instance` };
    expect(message).toMatchObject({ status: 404, body: refusal });
    expect((await other.request('POST', `${theirs.route}/run`)).status).toBe(404);
    const socket = new SocketRecorder(other.socketUrl(`/sockets/events/${mine.id}`));
    await eventually(() => Promise.resolve(socket.closeCode === 4004), 'the close of the socket');

    await owner.end('SIGKILL');
    await theirs.send('FINISH: taken over');
    await theirs.reaches('finished');
    expect((await theirs.events('&kind=MessageEvent')).length).toBe(2);
  });
});
