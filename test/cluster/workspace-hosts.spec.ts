import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { MemberServers } from '../support/cluster/member-servers.js';
import { ConversationClient, scriptedRequest, SocketRecorder } from '../support/conversation-client.js';
import { describeWithDatabase } from '../support/postgres.js';
import { eventually, type ServerProcess } from '../support/server-process.js';

interface Listed {
  id: string;
  is_self: boolean;
  url: string;
  host: string;
  conversations: number;
  running: number;
  max_running: number;
}

const serversOf = async (server: ServerProcess): Promise<Listed[]> =>
  ((await server.request('GET', '/api/servers')).body as { servers: Listed[] }).servers;

/** The configuration of each host. Conversations are closed that nobody has used for a second or two. */
const HOSTS = {
  one: { OH_CONVERSATION_IDLE_TTL_SECONDS: '1', OH_MAX_CONCURRENT_RUNS: '7' },
  two: { OH_CONVERSATION_IDLE_TTL_SECONDS: '1', OH_RESUME_ON_START: 'true' },
};

describeWithDatabase('servers that do not share their files', () => {
  const members = MemberServers.forBlock();
  const running = new Map<keyof typeof HOSTS, ServerProcess>();

  /** The server of a host, a new one if a test has ended it. */
  async function serverOn(host: keyof typeof HOSTS): Promise<ServerProcess> {
    const server = running.get(host) ?? (await members.start(host, HOSTS[host]));
    running.set(host, server);
    return server;
  }
  async function endServerOn(host: keyof typeof HOSTS, signal: NodeJS.Signals): Promise<void> {
    await running.get(host)?.end(signal);
    running.delete(host);
  }
  const both = () => Promise.all([serverOn('one'), serverOn('two')]);
  /** Waits until the second one lists both, and no server that was ended, and they have no conversations. */
  const idle = (two: ServerProcess): Promise<void> =>
    eventually(async () => {
      const listed = await serversOf(two);
      return listed.length === 2 && listed.every(({ conversations }) => conversations === 0);
    }, 'two idle servers');

  it('list each other, with what each has and can take', async () => {
    const [one, two] = await both();
    await idle(two);
    const made = await ConversationClient.create(one, scriptedRequest(members.folder, 'RUN: sleep 60'));
    const listed = async () => {
      const all = await serversOf(two);
      const [first, second] = ['one', 'two'].map((name) => all.find(({ host }) => host === name));
      return { first, second };
    };
    await eventually(async () => {
      const { first } = await listed();
      return first?.conversations === 1 && first.max_running === 7;
    }, 'the conversation in the list');
    const { first, second } = await listed();
    expect(first).toMatchObject({ host: 'one', is_self: false, max_running: 7, url: one.url });
    expect(second).toMatchObject({ host: 'two', is_self: true, conversations: 0 });
    const { cluster } = (await two.request('GET', '/server_info')).body as { cluster: unknown };
    expect(cluster).toMatchObject({ server_id: second?.id });
    const { servers } = cluster as { servers: Listed[] };
    expect(servers).toHaveLength(2);
    expect(servers.find(({ id }) => id === first?.id)).toMatchObject({ conversations: 1, max_running: 7 });
    expect(servers.find(({ id }) => id === second?.id)).toMatchObject({ conversations: 0, running: 0 });
    expect((await one.request('DELETE', made.route)).status).toBe(200);
  });

  it('give a conversation that nobody has to a server on the host of its workspace', async () => {
    const [one, two] = await both();
    const made = await ConversationClient.create(
      one,
      scriptedRequest('work', 'RUN: hostname > made; pwd\nFINISH: ok'),
    );
    await made.reaches('finished');
    await idle(two);
    const there = new ConversationClient(two, made.id);
    const sent = await there.post('events', {
      role: 'user',
      content: [{ type: 'text', text: 'FINISH: again' }],
      run: true,
    });
    expect(sent.status).toBe(200);
    const file = path.join(members.folder, 'one', 'work', 'made');
    const found = await two.request('GET', `${made.route}/file/download?path=${encodeURIComponent(file)}`);
    expect(found.status).toBe(200);
    const runtime = (await two.request('GET', `${made.route}/runtime`)).body;
    expect(runtime).toMatchObject({ runtime_status: 'available', workspace_host: 'one' });
  });

  it('refuse to run elsewhere, with the reason, until a person moves the workspace', async () => {
    const [one, two] = await both();
    const made = await ConversationClient.create(one, scriptedRequest('moved', 'FINISH: ok'));
    await made.reaches('finished');
    await endServerOn('one', 'SIGTERM');
    const there = new ConversationClient(two, made.id);
    const message = { role: 'user', content: [{ type: 'text', text: 'FINISH: again' }], run: true };
    for (const [subroute, body] of [
      ['events', message],
      ['run'],
      ['bash/execute_bash_command', { command: 'true' }],
    ] as const) {
      const answer = await there.post(subroute, body);
      expect(answer.status).toBe(421);
      expect(answer.body).toMatchObject({
        detail: expect.stringContaining('is on host one, and this server is on host two') as unknown,
      });
    }
    for (const route of ['git/changes?path=.', 'file/download?path=made', 'workspace/made'])
      expect((await two.request('GET', `${made.route}/${route}`)).status).toBe(421);
    const socket = new SocketRecorder(two.socketUrl(`/sockets/events/${made.id}`));
    await socket.opened();
    socket.socket.send(JSON.stringify(message));
    await socket.sees(({ kind, ...rest }) => 'code' in rest && rest['code'] === 'WorkspaceElsewhereError');
    await socket.close();
    // Everything else works.
    expect((await two.request('GET', `${made.route}/events/search`)).status).toBe(200);
    expect((await two.request('PATCH', made.route, { title: 'still here' })).status).toBe(200);
    expect((await two.request('GET', `${made.route}/runtime`)).body).toMatchObject({
      runtime_status: 'missing',
      can_resume: false,
      runtime_error: { code: 'WorkspaceElsewhereError' },
      workspace_host: 'one',
    });

    const refused = await there.post('runtime/reprovision');
    expect([refused.status, JSON.stringify(refused.body)]).toEqual([
      421,
      expect.stringContaining('There is no folder'),
    ]);
    await mkdir(path.join(members.folder, 'two', 'moved'));
    expect((await there.post('runtime/reprovision')).body).toMatchObject({ runtime_status: 'available' });
    expect((await there.post('events', message)).status).toBe(200);
    await there.reaches('finished');
  });

  it('pause the run of a dead server although they resume others', async () => {
    const [one, two] = await both();
    const made = await ConversationClient.create(
      one,
      scriptedRequest('interrupted', 'RUN: sleep 60\nFINISH: ok'),
    );
    await made.startsTool();
    await endServerOn('one', 'SIGKILL');
    const there = new ConversationClient(two, made.id);
    await eventually(async () => (await there.info()).execution_status === 'paused', 'the pause');
  });

  it('show changes of each other on the socket of all conversations at once', async () => {
    const [one, two] = await both();
    const socket = new SocketRecorder(two.socketUrl('/sockets/conversations'));
    await socket.opened();
    await eventually(() => socket.frames.length === 1, 'the first frame');
    const made = await ConversationClient.create(one, scriptedRequest('watched', 'FINISH: ok'));
    const statuses = (): unknown[] =>
      socket.frames
        .map(({ summary }) => summary as { id: string; execution_status: string } | undefined)
        .filter((summary) => summary?.id === made.id)
        .map((summary) => summary?.execution_status);
    const begun = performance.now();
    await eventually(() => statuses().at(-1) === 'finished', 'the end of the run');
    expect(performance.now() - begun).toBeLessThan(20_000);
    await one.request('DELETE', made.route);
    await eventually(
      () => socket.frames.some(({ type, id }) => type === 'removed' && id === made.id),
      'the removal',
    );
    await socket.close();
  });
});
