import { execFile } from 'node:child_process';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual, promisify } from 'node:util';
import { type ConversationClient, userMessage } from '../support/conversation-client.js';
import { makeKey, shown } from '../support/named-keys.js';
import { eventually } from '../support/server-process.js';
import { ServerFixture } from '../support/server-fixture.js';

const run = promisify(execFile);
const MAIN = path.resolve('dist/main.js');
/** Everything is old by this rule. */
const ALL = { retention_days: 1e-9 };
const ALL_QUERY = '?retention_days=0.000000001';
const KEY = 'administrator';
const AUTHOR = ['-c', 'user.name=test', '-c', 'user.email=test@example.com'];

interface Sweep {
  removed: Record<string, number>;
  freed_bytes: number;
  skipped: number;
  kept: Record<string, number>;
  failures: string[];
}

interface Plan {
  conversations: { conversation_id: string; reason: string; bytes: number }[];
  total: number;
  kept: Record<string, number>;
}

describe('retention', () => {
  const fixture = ServerFixture.forTests({
    key: KEY,
    env: {
      SESSION_API_KEY: KEY,
      OH_MAX_CONCURRENT_RUNS: '20',
      OH_CONVERSATION_STORAGE_KEEP_SECONDS: '0',
      OH_CONVERSATION_WORKTREE_ROOT: 'worktrees',
    },
  });

  const plan = async (query = ALL_QUERY): Promise<Plan> => {
    const { status, body } = await fixture.server.request('GET', `/api/retention/plan${query}`);
    expect({ status, body }).toMatchObject({ status: 200 });
    return body as Plan;
  };
  const sweep = async (rules: unknown = ALL): Promise<Sweep> => {
    const { status, body } = await fixture.server.request('POST', '/api/retention/sweep', rules);
    expect({ status, body }).toMatchObject({ status: 200 });
    return body as Sweep;
  };
  /** The plan once it is this one: a run is in progress for a moment after its status. */
  const planThatKeeps = async (kept: Record<string, number>, total: number): Promise<Plan> => {
    let found: Plan | undefined;
    await eventually(
      async () => {
        found = await plan();
        return found.total === total && isDeepStrictEqual(found.kept, kept);
      },
      `a plan that keeps ${JSON.stringify(kept)}`,
    );
    if (!found) throw new Error('there is no plan');
    return found;
  };
  const exists = async ({ route }: ConversationClient): Promise<boolean> =>
    (await fixture.server.request('GET', route)).status === 200;

  afterEach(async () => {
    const { body } = await fixture.server.request('GET', '/api/conversations/search?limit=100');
    for (const { id } of (body as { items: { id: string }[] }).items)
      await fixture.server.request('DELETE', `/api/conversations/${id}`);
  });

  it('says what it would remove, and removes that and nothing else', async () => {
    const old = await fixture.run('FINISH: old');
    const bookmarked = await fixture.run('FINISH: kept', { tags: { bookmark: 'for the report' } });
    const watched = await fixture.run('FINISH: watched');
    const running = await fixture.create('RUN: until [ -e go ]; do echo; sleep 0.1; done\nFINISH: done');
    await running.startsTool();
    const waiting = await fixture.create('RUN: echo waits\nFINISH: never', {
      confirmation_policy: { kind: 'AlwaysConfirm' },
    });
    await waiting.reaches('waiting_for_confirmation');
    const socket = await watched.listen(
      `/sockets/events/${watched.id}?resend_mode=all&session_api_key=${KEY}`,
    );
    await socket.sees(() => true);

    expect(await plan('')).toMatchObject({ total: 0, kept: {} });
    const planned = await planThatKeeps({ running: 1, waiting: 1, open: 1, bookmarked: 1 }, 1);
    expect(planned.conversations).toMatchObject([{ conversation_id: old.id, reason: 'age' }]);
    // It was a look only.
    expect(await exists(old)).toBe(true);
    const { stdout } = await run(process.execPath, [MAIN, 'retention', '--days', '0.000000001', '--json'], {
      cwd: fixture.server.cwd,
      env: { ...process.env, SESSION_API_KEY: KEY, OH_CONVERSATION_STORAGE_KEEP_SECONDS: '0' },
    });
    // From outside it is only seen that the server has the others open.
    expect(JSON.parse(stdout)).toMatchObject({ removals: [], rules: { retention_days: 1e-9 } });

    const done = await sweep();
    expect(done).toMatchObject({ removed: { conversations_by_age: 1 }, skipped: 0, failures: [] });
    expect(done.freed_bytes).toBe(planned.conversations[0]?.bytes);
    expect(await exists(old)).toBe(false);
    expect(await readdir(path.join(fixture.server.cwd, 'workspace/conversations'))).not.toContain(
      old.id.replaceAll('-', ''),
    );
    for (const kept of [bookmarked, watched, running, waiting]) expect(await exists(kept)).toBe(true);
    await writeFile(path.join(fixture.workspace, 'go'), '');
    await running.reaches('finished');
    await socket.close();

    await fixture.server.logs(/removed 1 conversations \(1 by age, 0 for the disk budget\).*1 running/);
    const { body: audit } = await fixture.server.request('GET', '/api/audit?key=retention');
    expect(audit).toMatchObject({
      items: [{ operation: 'Conversations_delete', conversation_id: old.id, outcome: 'done' }],
    });
    const { body: status } = await fixture.server.request('GET', '/api/retention');
    expect(status).toMatchObject({ is_sweeping: false, sweep_seconds: null, last_sweep: done });
    const { body: metrics } = await fixture.server.request('GET', '/metrics');
    expect(metrics).toContain('agent_server_retention_removed_total{kind="conversations_by_age"} 1\n');
  });

  it('keeps a conversation that begins to run while the sweep looks at it', async () => {
    const conversations = await Promise.all(Array.from({ length: 8 }, () => fixture.run('FINISH: one')));
    const sweeping = sweep();
    const sent = await Promise.all(
      conversations.map(async ({ route }) => {
        const { status } = await fixture.server.request(
          'POST',
          `${route}/events`,
          userMessage('FINISH: two', true),
        );
        return status;
      }),
    );
    const { removed, skipped, kept } = await sweeping;
    expect(removed['conversations_by_age']).toBe(sent.filter((status) => status !== 200).length);
    expect(skipped + Object.values(kept).reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(8);
    for (const [index, conversation] of conversations.entries()) {
      expect([200, 404]).toContain(sent[index]);
      if (sent[index] === 200) await conversation.reaches('finished');
      expect(await exists(conversation)).toBe(sent[index] === 200);
    }
  });

  it('keeps the child of a conversation that runs', async () => {
    const parent = await fixture.create('RUN: until [ -e go ]; do echo; sleep 0.1; done\nFINISH: done');
    await parent.startsTool();
    const child = await fixture.run('FINISH: child', { parent_conversation_id: parent.id });
    await planThatKeeps({ running: 1, related: 1 }, 0);
    expect((await sweep()).removed).toMatchObject({ conversations_by_age: 0 });
    await writeFile(path.join(fixture.workspace, 'go'), '');
    await parent.reaches('finished');
    // A run is in progress for a moment after its status.
    await eventually(async () => {
      await sweep();
      return !(await exists(parent)) && !(await exists(child));
    }, 'the removal of both');
  });

  it('removes the worktree with its conversation, and worktrees that a crash has left, but not those of others', async () => {
    const git = (...args: string[]): Promise<unknown> =>
      run('git', ['-C', fixture.workspace, ...AUTHOR, ...args]);
    await git('init', '-q');
    await git('commit', '-q', '--allow-empty', '-m', 'first');
    const kept = await fixture.run('FINISH: kept', { tags: { bookmark: '' } });
    const conversation = await fixture.run('FINISH: one', { worktree: true });
    const root = path.join(fixture.server.cwd, 'worktrees');
    const mark = await markIn(path.join(root, conversation.id));
    const old = new Date(Date.now() - 3 * 86_400_000);
    const left = async (name: string, content: string): Promise<void> => {
      await mkdir(path.join(root, name, '.users'), { recursive: true });
      await writeFile(path.join(root, name, '.users', name), content);
      await utimes(path.join(root, name), old, old);
    };
    const [ours, theirs] = ['3f2c8f0e-5a4b-4c1d-9e6f-7a8b9c0d1e2f', '3f2c8f0e-5a4b-4c1d-9e6f-7a8b9c0d1e30'];
    await planThatKeeps({ bookmarked: 1 }, 1);
    await left(ours, mark);
    await left(theirs, '');
    expect((await sweep()).removed).toMatchObject({ conversations_by_age: 1, worktrees: 1 });
    expect(await readdir(root)).toEqual([theirs]);
    expect(await exists(kept)).toBe(true);
  });

  it('is for administrators, refuses rules that are none, and sweeps once at a time', async () => {
    const { key } = await makeKey(fixture.server, { scope: 'write' });
    for (const [method, route] of [
      ['GET', ''],
      ['GET', '/plan'],
      ['POST', '/sweep'],
    ] as const) {
      const { status } = await fixture.server.request(
        method,
        `/api/retention${route}`,
        undefined,
        shown(key),
      );
      expect(status).toBe(403);
    }
    const bad = async (rules: unknown): Promise<unknown> =>
      (await fixture.server.request('POST', '/api/retention/sweep', rules)).body;
    expect(await bad({ retention_days: 0 })).toMatchObject({ detail: [{ loc: ['body', 'retention_days'] }] });
    expect(await bad({ days: 30 })).toMatchObject({ detail: [{ loc: ['body', 'days'] }] });
    expect(await bad({ disk_budget: 1 })).toMatchObject({ detail: [{ loc: ['body', 'disk_budget'] }] });
    await Promise.all(Array.from({ length: 5 }, () => fixture.run('FINISH: one')));
    const both = await Promise.all(
      [1, 2].map(() => fixture.server.request('POST', '/api/retention/sweep', ALL)),
    );
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
    // A run is in progress for a moment after its status: its conversation stays for the next sweep.
    await eventually(async () => {
      await sweep();
      return (await fixture.server.request('GET', '/api/conversations/count')).body === 0;
    }, 'everything is gone');
  });
});

/** The mark of the storage in the file of the user of a worktree. */
async function markIn(folder: string): Promise<string> {
  const { stdout } = await run('cat', [path.join(folder, '.users', path.basename(folder))]);
  return stdout;
}
