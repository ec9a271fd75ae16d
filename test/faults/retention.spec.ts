import { mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { MemberServers } from '../support/cluster/member-servers.js';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { describeWithDatabase } from '../support/postgres.js';
import { eventually, ServerProcess } from '../support/server-process.js';

const CLOCK = fileURLToPath(new URL('../support/adjustable-clock.mjs', import.meta.url));
const DAY_MS = 86_400_000;
/** Everything is old by this rule. */
const ALL = { retention_days: 1e-9 };
const NO_GRACE = { OH_CONVERSATION_STORAGE_KEEP_SECONDS: '0' };

interface Sweep {
  removed: { conversations_by_age: number };
  notes: string[];
  kept: Record<string, number>;
}

const create = (server: ServerProcess, folder: string, script?: string): Promise<ConversationClient> =>
  ConversationClient.create(server, scriptedRequest(folder, script));
const sweep = (server: ServerProcess) => server.request('POST', '/api/retention/sweep', ALL);
const countOf = async (server: ServerProcess): Promise<number> =>
  (await server.request('GET', '/api/conversations/count')).body as number;
/** Whether a conversation is there as a whole (true) or gone as a whole (false). */
const isWhole = async (server: ServerProcess, { route }: ConversationClient): Promise<boolean> => {
  const statuses = await Promise.all(
    [route, `${route}/events/search`, `${route}/agent_final_response`].map(
      async (each) => (await server.request('GET', each)).status,
    ),
  );
  expect([
    [200, 200, 200],
    [404, 404, 404],
  ]).toContainEqual(statuses);
  return statuses[0] === 200;
};

describe('a sweep', () => {
  let folder: string;
  let server: ServerProcess;

  beforeEach(async () => {
    folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'agent-server-')));
  });
  afterEach(async () => {
    await server.end('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  it('that kill -9 ends leaves whole conversations and whole gaps', async () => {
    server = await ServerProcess.start({ cwd: folder, env: NO_GRACE });
    const work = path.join(folder, 'work');
    const made: ConversationClient[] = [];
    for (let count = 0; count < 12; count += 1) made.push(await create(server, work));
    const sweeping = sweep(server).catch(() => undefined);
    await eventually(async () => (await countOf(server)) < 11, 'the first removals');
    server = await server.restart('SIGKILL');
    await sweeping;
    const whole = await Promise.all(made.map((conversation) => isWhole(server, conversation)));
    expect(whole.filter(Boolean)).toHaveLength(await countOf(server));
    expect(whole.filter(Boolean).length).toBeLessThan(12);
    const stored = path.join(folder, 'workspace/conversations');
    const names = async (pattern: RegExp): Promise<string[]> =>
      (await readdir(stored)).filter((name) => pattern.test(name));
    await eventually(async () => (await names(/^\.deleted-/)).length === 0, 'the removal of the rest');
    expect(await names(/^[\da-f]{32}$/)).toHaveLength(whole.filter(Boolean).length);
    // The log of the one that was about to go has an event that its metadata lack: it counts as changed once.
    await eventually(async () => {
      await sweep(server);
      return (await countOf(server)) === 0;
    }, 'the removal of all others');
  });

  it('removes nothing by age while the clock is not to be trusted', async () => {
    const clock = path.join(folder, 'clock');
    await writeFile(clock, '0');
    server = await ServerProcess.start({
      cwd: folder,
      env: {
        ...NO_GRACE,
        CLOCK_FILE: clock,
        NODE_OPTIONS: `--import=${CLOCK}`,
        OH_CONVERSATION_STORAGE_RETENTION_DAYS: '1',
        OH_CONVERSATION_STORAGE_SWEEP_SECONDS: '0.1',
      },
    });
    const conversation = await create(server, path.join(folder, 'work'));
    const last = async (): Promise<Sweep | null> =>
      ((await server.request('GET', '/api/retention')).body as { last_sweep: Sweep | null }).last_sweep;
    await eventually(async () => (await last()) !== null, 'a sweep');
    // Set back: what was changed in the future has no age.
    await writeFile(clock, String(-10 * DAY_MS));
    expect((await sweep(server)).status).not.toBe(500);
    await writeFile(clock, '0');
    // Set forward: everything would look old at once.
    await writeFile(clock, String(30 * DAY_MS));
    await eventually(async () => ((await last())?.notes.length ?? 0) > 0, 'a sweep that says so');
    expect((await last())?.notes[0]).toContain('the clock was set forward');
    expect(await isWhole(server, conversation)).toBe(true);
    // Who asks for it knows the time.
    await eventually(async () => {
      await server.request('POST', '/api/retention/sweep');
      return (await countOf(server)) === 0;
    }, 'the removal');
  });
});

describeWithDatabase('sweeps of several servers', () => {
  const members = MemberServers.forTests();

  it('take turns, leave what others have open to them, and lose nothing to kill -9', async () => {
    const [a, b] = await Promise.all([members.start('one', NO_GRACE), members.start('one', NO_GRACE)]);
    const folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'agent-server-')));
    try {
      const made: ConversationClient[] = [];
      for (let count = 0; count < 8; count += 1) made.push(await create(a, folder));
      const running = await create(b, folder, 'RUN: until [ -e go ]; do echo; sleep 0.1; done\nFINISH: done');
      await running.startsTool();
      const idle = await create(b, folder);
      const both = await Promise.all([sweep(a), sweep(b)]);
      const answers = both.filter(({ status }) => status === 200).map(({ body }) => body as Sweep);
      expect(both.every(({ status }) => status === 200 || status === 409)).toBe(true);
      expect(answers.length).toBeGreaterThan(0);
      // Whoever had its turn has left to the other what that one has open.
      await eventually(async () => {
        await Promise.all([sweep(a), sweep(b)]);
        return (await countOf(a)) === 1;
      }, 'the removal of all others');
      for (const conversation of [...made, idle]) expect(await isWhole(a, conversation)).toBe(false);
      await writeFile(path.join(folder, 'go'), '');
      await running.reaches('finished');

      const more: ConversationClient[] = [];
      for (let count = 0; count < 8; count += 1) more.push(await create(a, folder));
      const sweeping = sweep(a).catch(() => undefined);
      await eventually(async () => (await countOf(b)) < 8, 'the first removals');
      await a.end('SIGKILL');
      await sweeping;
      await eventually(async () => {
        await sweep(b);
        return (await countOf(b)) === 0;
      }, 'the removal of what is left, when the lease is over');
      for (const conversation of more) expect(await isWhole(b, conversation)).toBe(false);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
