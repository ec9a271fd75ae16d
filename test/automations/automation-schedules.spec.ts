import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Automations, setClock } from '../support/automations.js';
import { eventually } from '../support/server-process.js';
import { DATABASE_MISSING, TestDatabase } from '../support/postgres.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const HOURLY = { trigger: { type: 'cron', schedule: '0 * * * *', timezone: 'Europe/Berlin' } };

describe.each([
  ['files', undefined],
  ['PostgreSQL', DATABASE_MISSING],
])('automations by schedule, with %s as storage', (storage, missing) => {
  const test = missing === undefined ? it : it.skip;
  let folder: string;
  let database: TestDatabase | undefined;
  let offset = 0;
  const started: Automations[] = [];

  beforeAll(async () => {
    if (missing !== undefined) return;
    folder = await mkdtemp(path.join(os.tmpdir(), 'automations-'));
    await setClock(folder, offset);
    if (storage === 'PostgreSQL') database = await TestDatabase.create();
  });
  afterAll(async () => {
    await Promise.all(started.map(({ server }) => server.end('SIGKILL')));
    await database?.drop();
    if (missing === undefined) await rm(folder, { recursive: true, force: true });
  });

  const start = async (): Promise<Automations> => {
    const env = { ...(database && { OH_DATABASE_URL: database.url }), OH_LEASE_TTL_SECONDS: '2' };
    const one = await Automations.start(folder, { env });
    started.push(one);
    return one;
  };
  /** Sets the clock to a second after a multiple of a time, so many ahead, and has servers look at it. */
  const goTo = async (
    ahead: number,
    ids: readonly string[],
    servers: readonly Automations[],
    unit = HOUR,
  ): Promise<string> => {
    const now = Date.now() + offset;
    const instant = (Math.floor(now / unit) + ahead) * unit;
    offset += instant + 1_000 - now;
    await setClock(folder, offset);
    await Promise.all(servers.map((each) => each.ask('PATCH', `/${ids[0]}`, { keep_alive: null })));
    return new Date(instant).toISOString();
  };

  test('claim each instant once: through overlaps, kills, downtimes, switching off and on, and a second server', async () => {
    let one = await start();
    const slow = await one.create('WAIT: 300\nFINISH: late', { name: 'Slow', ...HOURLY });
    const quick = await one.create('FINISH: done', { name: 'Quick', ...HOURLY });
    const off = await one.create('FINISH: done', { name: 'Off', ...HOURLY, enabled: false });
    const ids = [slow.id, quick.id];
    const first = await goTo(1, ids, [one]);
    await one.working(slow.id);
    expect(await one.settled(quick.id, 1)).toMatchObject([{ status: 'COMPLETED', scheduled_at: first }]);
    const second = await goTo(1, ids, [one]);
    await one.settled(quick.id, 2);
    expect((await one.runs(slow.id))[0]).toMatchObject({
      status: 'SKIPPED',
      scheduled_at: second,
      error_detail: 'The previous run was still active',
    });

    await one.server.end('SIGKILL');
    const fifth = await goTo(3, ids, []);
    one = await start();
    const other = await start();
    const quicks = await one.settled(quick.id, 4);
    expect(quicks.map(({ status, scheduled_at }) => [status, scheduled_at]).slice(0, 2)).toEqual([
      ['COMPLETED', fifth],
      ['SKIPPED', new Date(Date.parse(fifth) - HOUR).toISOString()],
    ]);
    expect(quicks[1]?.error_detail).toMatch(/^2 times were missed while the server was down/);
    await one.ask('PATCH', `/${slow.id}`, { enabled: false });
    const slows = await one.runs(slow.id);
    const killed = slows.find(({ scheduled_at }) => scheduled_at === first);
    expect(killed).toMatchObject({
      status: 'FAILED',
      error_detail: expect.stringMatching(/restart|Timed out/) as string,
    });

    await one.ask('PATCH', `/${off.id}`, { enabled: true });
    const sixth = await goTo(1, [quick.id], [one, other]);
    await goTo(0, [quick.id], [other, one]);
    await one.settled(quick.id, 5);
    await one.settled(off.id, 1);
    for (const id of [quick.id, off.id]) {
      const runs = await other.runs(id);
      const instants = runs.map(({ scheduled_at }) => scheduled_at);
      expect(new Set(instants).size).toBe(instants.length);
      expect(runs[0]).toMatchObject({ status: 'COMPLETED', scheduled_at: sixth });
    }
    // Switched off until then: none of the instants before counts.
    expect(await one.runs(off.id)).toHaveLength(1);
  });

  test('start one conversation for each instant, at whatever moment the server is killed', async () => {
    let one = await start();
    const trigger = { type: 'cron', schedule: '*/10 * * * *', timezone: 'UTC' };
    const policy = { overlap: 'queue', catch_up: 'all', max_retries: 5, retry_pause: 1, timeout: 1_800 };
    const { id } = await one.create('RUN: echo x\nFINISH: done', { trigger, ...policy });
    const expected: string[] = [];
    for (const delayMs of [0, 60, 250]) {
      expected.push(await goTo(1, [id], [one], 10 * MINUTE));
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      await one.server.end('SIGKILL');
      one = await start();
    }
    const isDone = async (): Promise<boolean> => {
      const done = (await one.runs(id)).filter(({ status }) => status === 'COMPLETED');
      return expected.every((instant) => done.some(({ scheduled_at }) => scheduled_at === instant));
    };
    await eventually(isDone, 'a completed run for each instant');
    const runs = await one.settled(id, expected.length);
    const firsts = runs.filter(({ attempt }) => attempt === 1).map(({ scheduled_at }) => scheduled_at);
    expect(firsts.sort()).toEqual(expected);
    const conversations = runs.map(({ conversation_id }) => conversation_id);
    expect(new Set(conversations).size).toBe(conversations.length);
    const { body } = await one.server.request('GET', '/api/conversations/search?limit=100');
    const items = (body as { items: { tags: Record<string, string> }[] }).items;
    const mine = items
      .filter(({ tags }) => tags['automationid'] === id)
      .map(({ tags }) => tags['automationrunid']);
    expect(mine.sort()).toEqual(runs.map((run) => run.id).sort());
  });
});
