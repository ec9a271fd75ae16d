import { randomUUID } from 'node:crypto';
import { MemberServers } from '../support/cluster/member-servers.js';
import { ServerPool } from '../support/cluster/server-pool.js';
import { ConversationClient, scriptedRequest, SocketRecorder } from '../support/conversation-client.js';
import { describeWithDatabase } from '../support/postgres.js';
import { eventually, type ServerProcess } from '../support/server-process.js';

const ROUTE = '/api/bash';

interface BashEvent {
  id: string;
  kind: string;
  command_id?: string;
  order?: number;
  exit_code?: number | null;
  stdout?: string | null;
  stderr?: string | null;
}

const start = async (server: ServerProcess, command: string, route = ROUTE): Promise<string> => {
  const body = { command, stream: true, timeout: 60 };
  const answer = await server.request('POST', `${route}/start_bash_command`, body);
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  return (answer.body as BashEvent).id;
};
const eventsOf = async (server: ServerProcess, query = '', route = ROUTE): Promise<BashEvent[]> => {
  const answer = await server.request('GET', `${route}/bash_events/search?${query}`);
  return (answer.body as { items: BashEvent[] }).items;
};
const textOf = (events: readonly BashEvent[]): string => events.map(({ stdout }) => stdout ?? '').join('');

describeWithDatabase('bash commands of several servers', () => {
  const members = MemberServers.forBlock();
  let servers: ServerPool;
  beforeAll(() => {
    const env = { OH_WORKSPACES_SHARED: 'true' };
    servers = new ServerPool(members.folder, () => members.start('one', env));
  });

  it('are found, shown live, stopped and cleared on any server', async () => {
    const [a, b] = await servers.take(2);
    await a.request('DELETE', `${ROUTE}/bash_events`);
    await a.request('POST', `${ROUTE}/execute_bash_command`, { command: 'echo before' });
    const [live, all] = [
      new SocketRecorder(b.socketUrl('/sockets/bash-events')),
      new SocketRecorder(b.socketUrl('/sockets/bash-events?resend_mode=all')),
    ];
    await Promise.all([live.opened(), all.opened()]);
    await eventually(() => all.frames.length === 2, 'the replay');
    const id = await start(a, 'echo first; sleep 50; echo never');
    const query = `command_id__eq=${id}`;
    await eventually(
      async () => textOf(await eventsOf(b, query)) === 'first\n',
      'the output on the other server',
    );
    await eventually(() => live.frames.length === 2, 'the live output');
    expect(live.frames.map(({ kind }) => kind)).toEqual(['BashCommand', 'BashOutput']);
    expect((await b.request('POST', `${ROUTE}/bash_commands/${id}/stop`)).status).toBe(200);
    const [last] = (await eventsOf(a, `${query}&sort_order=TIMESTAMP_DESC`)) as [BashEvent];
    expect(last).toMatchObject({ order: 1, exit_code: -15 });
    expect((await b.request('POST', `${ROUTE}/bash_commands/${randomUUID()}/stop`)).status).toBe(404);
    await eventually(() => all.frames.length === 5, 'all events');
    expect(all.frames).toEqual(await eventsOf(b));
    expect((await a.request('GET', `${ROUTE}/bash_events/${last.id}`)).body).toEqual(last);
    expect((await b.request('DELETE', `${ROUTE}/bash_events`)).body).toEqual({ cleared_count: 5 });
    expect(await eventsOf(a)).toEqual([]);
    await Promise.all([live.close(), all.close()]);
  });

  it('arrive on the sockets of all servers in the same order, each once', async () => {
    const three = await servers.take(3);
    await three[0].request('DELETE', `${ROUTE}/bash_events`);
    const sockets = three.map((server) => new SocketRecorder(server.socketUrl('/sockets/bash-events')));
    await Promise.all(sockets.map((socket) => socket.opened()));
    await eventually(async () => {
      await Promise.all(
        three.map((server) => server.request('POST', `${ROUTE}/execute_bash_command`, { command: 'true' })),
      );
      return sockets.every(({ frames }) => frames.length > 0);
    }, 'the subscriptions');
    const started = await Promise.all(
      three.flatMap((server) =>
        Array.from({ length: 5 }, () => start(server, 'for i in 1 2 3 4; do echo $i; sleep 0.05; done')),
      ),
    );
    const ended = ({ frames }: SocketRecorder): number =>
      new Set(frames.filter(({ exit_code }) => exit_code === 0).map(({ command_id }) => command_id)).size;
    await eventually(async () => {
      const stored = await eventsOf(three[0], 'kind__eq=BashCommand&limit=100');
      const counts = sockets.map(ended);
      return counts.every((count) => count >= 15 && count <= stored.length);
    }, 'the ends of all commands');
    // Nothing is left running for the next test.
    const outputs = 'kind__eq=BashOutput&sort_order=TIMESTAMP_DESC&limit=100';
    await eventually(async () => {
      const stored = await eventsOf(three[0], outputs);
      const done = stored.filter(({ exit_code }) => exit_code === 0).map(({ command_id }) => command_id);
      return started.every((id) => done.includes(id));
    }, 'the stored ends of all commands');
    const shown = sockets.map(({ frames }) => frames.map(({ id }) => String(id)));
    const [longest = []] = shown.toSorted((one, other) => other.length - one.length);
    for (const ids of shown) {
      expect(new Set(ids).size).toBe(ids.length);
      const common = longest.filter((id) => ids.includes(id));
      expect(ids.filter((id) => common.includes(id))).toEqual(common);
    }
    await Promise.all(sockets.map((socket) => socket.close()));
  });

  it('end with a reason when their server is killed', async () => {
    const [a, b] = await servers.take(2);
    const id = await start(a, 'echo begun; sleep 50');
    const query = `command_id__eq=${id}`;
    await eventually(async () => textOf(await eventsOf(b, query)) === 'begun\n', 'the output');
    await servers.end(a, 'SIGKILL');
    await eventually(async () => (await eventsOf(b, query)).length === 2, 'the end');
    const [, last] = await eventsOf(b, query);
    expect(last).toMatchObject({ order: 1, exit_code: -1, stdout: null });
    expect(last?.stderr).toContain('The server that ran this command has ended');
    expect((await b.request('POST', `${ROUTE}/bash_commands/${id}/stop`)).status).toBe(200);
  });

  it('of a conversation go with it, and are removed with it', async () => {
    const [a, b] = await servers.take(2);
    const made = await ConversationClient.create(a, scriptedRequest(members.folder, 'FINISH: ok'));
    const route = `${made.route}/bash`;
    await a.request('POST', `${route}/execute_bash_command`, { command: 'echo here' });
    expect(textOf(await eventsOf(b, '', route))).toBe('here\n');
    await servers.end(a, 'SIGTERM');
    const there = await b.request('POST', `${route}/execute_bash_command`, { command: 'echo there' });
    expect(there.status).toBe(200);
    expect(textOf(await eventsOf(b, '', route))).toBe('here\nthere\n');
    expect((await b.request('DELETE', made.route)).status).toBe(200);
    expect(await members.query('SELECT FROM bash_event WHERE scope = $1', [made.id])).toEqual([]);
    expect(await members.query('SELECT FROM bash_history WHERE scope = $1', [made.id])).toEqual([]);
  });
});
