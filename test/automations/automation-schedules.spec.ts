import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Automations, setClock } from '../support/automations.js';
import { DATABASE_MISSING, TestDatabase } from '../support/postgres.js';

const HOUR = 3_600_000;
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
  /** Sets the clock to a second after a full hour, so many hours ahead, and has servers look at it. */
  const goTo = async (
    hours: number,
    ids: readonly string[],
    servers: readonly Automations[],
  ): Promise<string> => {
    const now = Date.now() + offset;
    const hour = Math.floor(now / HOUR) * HOUR + hours * HOUR;
    offset += hour + 1_000 - now;
    await setClock(folder, offset);
    await Promise.all(servers.map((one) => one.ask('PATCH', `/${ids[0]}`, { keep_alive: null })));
    return new Date(hour).toISOString();
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
});
