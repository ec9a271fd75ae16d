import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Automations, setClock } from '../support/automations.js';
import { eventually } from '../support/server-process.js';
import { DATABASE_MISSING, TestDatabase } from '../support/postgres.js';

const MINUTE = 60_000;

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
    unit: number,
  ): Promise<string> => {
    const now = Date.now() + offset;
    const instant = (Math.floor(now / unit) + ahead) * unit;
    offset += instant + 1_000 - now;
    await setClock(folder, offset);
    await Promise.all(servers.map((each) => each.ask('PATCH', `/${ids[0]}`, { keep_alive: null })));
    return new Date(instant).toISOString();
  };

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
