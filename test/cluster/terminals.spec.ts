import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { MemberServers } from '../support/cluster/member-servers.js';
import { scriptedRequest, SocketRecorder } from '../support/conversation-client.js';
import { describeWithDatabase } from '../support/postgres.js';
import { eventually, type ServerProcess } from '../support/server-process.js';
import { asJson } from '../support/settings-fixture.js';
import { openTerminal, type ShownTerminal, TerminalClient } from '../support/terminal-client.js';

const list = async (server: ServerProcess): Promise<{ items: ShownTerminal[]; missing_servers: number }> =>
  (await server.request('GET', '/api/terminals')).body as { items: ShownTerminal[]; missing_servers: number };
const idsOf = (terminals: readonly ShownTerminal[]): string[] => terminals.map(({ id }) => id).sort();

describeWithDatabase('terminals of several servers', () => {
  const members = MemberServers.forTests();

  it('are listed, used and closed by any server, and so are watches of a conversation', async () => {
    // The files of the user that bash reads may do anything.
    const env = { HOME: members.folder };
    const [a, b] = await Promise.all([members.start('one', env), members.start('one', env)]);
    const [mine, other] = [await openTerminal(a), await openTerminal(b)];
    for (const server of [a, b])
      expect([idsOf((await list(server)).items), (await list(server)).missing_servers]).toEqual([
        idsOf([mine, other]),
        0,
      ]);
    const client = await new TerminalClient(b, mine).ready();
    client.type('echo thr""ough\r');
    await client.shows('through\r\n');
    const route = `/api/terminals/${mine.id}`;
    const resized = await b.request('POST', `${route}/resize`, { rows: 33, cols: 99 });
    expect([resized.status, resized.body]).toEqual([200, expect.objectContaining({ rows: 33 })]);
    await client.hears('size', { rows: 33, cols: 99 });
    expect((await b.request('DELETE', route)).status).toBe(200);
    await client.hears('exit', { reason: 'closed' });
    expect((await b.request('GET', route)).status).toBe(404);

    const workspace = path.join(members.folder, 'one', 'watched');
    await mkdir(workspace);
    const { body } = await a.request('POST', '/api/conversations', scriptedRequest(workspace));
    const id = String(asJson(body)['id']);
    const shell = await openTerminal(b, id);
    const watch = new SocketRecorder(b.socketUrl(`/sockets/files/${id}`));
    await eventually(() => JSON.stringify(watch.frames).includes('"watching"'), 'the watch');
    const inside = await new TerminalClient(b, shell).ready();
    inside.type('echo needle > found.txt; echo wri""tten\r');
    await inside.shows('written\r\n');
    await eventually(() => JSON.stringify(watch.frames).includes('found.txt'), 'the change');
    const found = await fetch(`${b.url}/api/conversations/${id}/file/search/content?path=./&query=needle`);
    expect(await found.text()).toContain('"path":"found.txt"');
    await writeFile(path.join(workspace, 'more.txt'), '');
    await watch.close();

    // A server that is gone is missing until its lease is over.
    await b.end('SIGKILL');
    const left = await list(a);
    expect([left.items.every(({ id: it }) => it !== other.id), left.missing_servers <= 1]).toEqual([
      true,
      true,
    ]);
  });
});
