import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  ConversationClient,
  scriptedRequest,
  SocketRecorder,
  userMessage,
} from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { twoServersForTests } from '../support/two-servers.js';

describe('two servers on one folder', () => {
  const both = twoServersForTests();

  it('two servers on one folder let only the owner write, both read, and the other take over when the owner has ended', async () => {
    const [owner, other] = both.servers as [ServerProcess, ServerProcess];
    const mine = await ConversationClient.create(
      owner,
      scriptedRequest(path.join(both.folder, 'work'), 'FINISH: done'),
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
    for (const [method, route, body] of [
      ['POST', `${theirs.route}/run`, undefined],
      ['PATCH', theirs.route, { title: 'no' }],
      ['DELETE', theirs.route, undefined],
    ] as const) {
      expect(await other.request(method, route, body)).toMatchObject({ status: 404, body: refusal });
    }
    const socket = new SocketRecorder(other.socketUrl(`/sockets/events/${mine.id}`));
    await eventually(() => Promise.resolve(socket.closeCode === 4004), 'the close of the socket');

    await owner.end('SIGKILL');
    await theirs.send('FINISH: taken over');
    await theirs.reaches('finished');
    expect((await theirs.events('&kind=MessageEvent')).length).toBe(2);
  });

  it('two servers on one folder keep a frozen owner from writing after the other has taken over', async () => {
    const env = { OH_LEASE_TTL_SECONDS: '1' };
    const [frozen, other] = [
      await ServerProcess.start({ cwd: both.folder, env }),
      await ServerProcess.start({ cwd: both.folder, env }),
    ];
    both.servers.push(frozen, other);
    const script = 'RUN: until [ -e go ]; do sleep 0.2; done\nRUN: touch written-by-the-frozen\nFINISH: ok';
    const work = path.join(both.folder, 'frozen-work');
    const mine = await ConversationClient.create(frozen, scriptedRequest(work, script));
    await mine.startsTool();
    process.kill(frozen.pid, 'SIGSTOP');
    const theirs = mine.on(other);
    await eventually(
      async () => (await other.request('POST', `${theirs.route}/events`, userMessage('x'))).status === 200,
      'the takeover',
    );
    expect((await theirs.events('&kind=ConversationErrorEvent')).map(({ code }) => code)).toEqual([
      'ServerRestarted',
    ]);
    process.kill(frozen.pid, 'SIGCONT');
    // It notices by itself that its lease is lost, and reads the current events.
    await eventually(
      async () => (await mine.events()).length === (await theirs.events()).length,
      'the same events at both',
    );
    await writeFile(path.join(work, 'go'), '');
    // It answers again, and refuses to write.
    await eventually(async () => {
      const { status } = await frozen.request('POST', `${mine.route}/events`, userMessage('from the frozen'));
      return status === 404 || status === 409;
    }, 'the refusal');
    await frozen.logs(/lease is lost|is refused|was refused/);
    await theirs.send('FINISH: mine now');
    await theirs.reaches('finished');
    const events = await theirs.events();
    expect(JSON.stringify(events)).not.toContain('from the frozen');
    expect(
      events.filter(({ kind, tool_name }) => kind === 'ObservationEvent' && tool_name === 'terminal'),
    ).toEqual([]);
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    expect(await mine.events()).toEqual(events);
  });
});
