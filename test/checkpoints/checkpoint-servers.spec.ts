import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { CommandProgram } from '../support/command-program.js';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { describeWithDatabase, TestDatabase } from '../support/postgres.js';
import { eventually, ServerProcess } from '../support/server-process.js';

const SECRETS = { OH_SECRET_KEY: 'the key of the cluster', OH_SERVER_LEASE_SECONDS: '1' };

interface Page {
  items: { step: number; tool: string; files: object[] }[];
}

describeWithDatabase('checkpoints with PostgreSQL', () => {
  let folder: string;
  let database: TestDatabase;
  const servers: ServerProcess[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'checkpoint-servers-'));
    database = await TestDatabase.create();
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.end('SIGKILL')));
    await database.drop();
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  });

  async function start(name: string, env: Record<string, string>): Promise<ServerProcess> {
    const cwd = path.join(folder, name);
    await mkdir(cwd, { recursive: true });
    const server = await ServerProcess.start({ cwd, env: { ...SECRETS, ...env } });
    servers.push(server);
    return server;
  }

  it('go on at another server after a kill in a restore, and move to files', async () => {
    const shared = {
      OH_DATABASE_URL: database.url,
      OH_WORKSPACES_SHARED: 'true',
      OH_CONVERSATIONS_PATH: path.join(folder, 'shared', 'conversations'),
    };
    const work = path.join(folder, 'work');
    await mkdir(work);
    const one = await start('one', shared);
    const script = 'RUN: for i in $(seq 300); do echo $i > f$i; done\nFINISH: done';
    const made = await ConversationClient.create(one, scriptedRequest(work, script));
    await made.reaches('finished');
    const count = async () => (await readdir(work)).filter((name) => name.startsWith('f')).length;
    const answer = made.post('restore', { step: '1' }).catch(() => undefined);
    await eventually(async () => (await count()) < 300, 'the first removed file');
    await one.end('SIGKILL');
    await answer;

    const two = await start('two', shared);
    const there = made.on(two);
    const list = async (client: ConversationClient): Promise<(string | number)[][]> => {
      const { body } = await client.server.request('GET', `${client.route}/checkpoints`);
      const { items = [] } = body as Partial<Page>;
      return items.map(({ step, tool, files }) => [step, tool, files.length]);
    };
    const all = [
      [2, 'restore', 300],
      [1, 'terminal', 300],
    ];
    await eventually(async () => (await list(there)).length > 0, 'the lease of the server that was killed');
    expect(await list(there)).toEqual(all);
    expect(await count()).toBe(0);
    await there.send('RUN: echo 1 > g\nFINISH: done');
    await there.reaches('finished');
    await two.end();

    await writeFile(path.join(work, 'g'), 'by a person');
    const target = path.join(folder, 'moved');
    const moved = await CommandProgram.run(folder, 'move', ['--from', database.url, '--to', target], {
      ...SECRETS,
      ...shared,
    });
    expect(moved).toMatchObject({ code: 0, stderr: '' });
    await rm(path.join(folder, 'shared'), { recursive: true });
    const three = await start('three', { OH_CONVERSATIONS_PATH: path.join(target, 'conversations') });
    const again = made.on(three);
    expect(await list(again)).toEqual([[3, 'terminal', 1], ...all]);
    expect((await again.post('restore', { step: '3' })).status).toBe(409);
    expect((await again.post('restore', { step: '2', mode: 'only' })).status).toBe(200);
    expect(await count()).toBe(300);
  });
});
