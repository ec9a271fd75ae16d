import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { FileUsageLedger } from '../../src/storage/file/usage/file-usage-ledger.js';
import { toUsageEntry, type UsageEntry, type UsageLedger, type UsageQuery } from '../../src/storage/index.js';
import { describeWithDatabase, TestDatabase } from '../support/postgres.js';
import { PostgresStorages } from '../support/postgres-storages.js';

const DAY_MS = 86_400_000;
const START = Date.UTC(2025, 2, 1);
/** Midnight is at another time of UTC, does not exist on one day, and is the hour of a change. */
const ZONES = ['UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'America/Santiago', 'Pacific/Apia'];
const GROUPS: UsageQuery['by'][] = [
  [],
  ['day'],
  ['day', 'model'],
  ['key', 'day'],
  ['conversation'],
  ['day', 'tag'],
];

interface Call {
  /** After `START`. */
  minutes: number;
  key: string | null;
  model: string;
  cost: number | null;
  team: string | null;
}

const call: fc.Arbitrary<Call> = fc.record({
  minutes: fc.nat({ max: 400 * 24 * 60 }),
  key: fc.option(fc.constantFrom('a', 'b')),
  model: fc.constantFrom('p/one', 'p/two', 'q/three'),
  cost: fc.option(fc.nat({ max: 1000 })),
  team: fc.option(fc.constantFrom('x', 'y')),
});

function entryOf({ minutes, key, model, cost, team }: Call): UsageEntry {
  const entry = toUsageEntry({
    id: randomUUID(),
    time: new Date(START + minutes * 60_000).toISOString(),
    conversation_id: `conversation-${minutes % 5}`,
    ...{
      key_id: key,
      model,
      provider: model.slice(0, 1),
      usage_id: 'agent',
      cost,
      prompt_tokens: minutes % 7,
    },
    tags: team === null ? {} : { team },
  });
  if (!entry) throw new TypeError('no entry');
  return entry;
}

/** Reports of all kinds, in an order of their own: groups of equal cost have none. */
async function reportsOf(ledger: UsageLedger): Promise<unknown[]> {
  const reports: unknown[] = [];
  for (const timeZone of ZONES)
    for (const by of GROUPS) {
      const range = { from: START + 10 * DAY_MS, before: START + 390 * DAY_MS };
      const { groups, total } = await ledger.report({ by, timeZone, tag: 'team', limit: 10_000, ...range });
      reports.push({ by, timeZone, total, groups: groups.map((group) => JSON.stringify(group)).sort() });
    }
  return reports;
}

describeWithDatabase('UsageLedger', () => {
  const database = TestDatabase.forTests();
  const storages = PostgresStorages.forTests();

  it('answers the same from files and from PostgreSQL, also after a recount, and finds the newest call', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'usage-'));
    const files = new FileUsageLedger({ folder });
    const rows = (await storages.open(database.url)).usageLedger();
    try {
      const entries = fc.sample(call, { numRuns: 400, seed: 7 }).map(entryOf);
      for (const ledger of [files, rows]) expect(await ledger.append(entries)).toBe(entries.length);
      const reports = await reportsOf(files);
      expect(await reportsOf(rows)).toEqual(reports);
      await database.query('UPDATE usage_total SET calls = calls + 1');
      await rows.recount();
      expect(await reportsOf(rows)).toEqual(reports);

      const upTo = START + 200 * DAY_MS;
      const times = entries.map(({ time }) => Date.parse(time)).sort((one, other) => one - other);
      const [before, last] = [times.filter((time) => time <= upTo).at(-1) ?? 0, times.at(-1) ?? 0];
      for (const ledger of [files, rows]) {
        expect(Math.abs(((await ledger.newest(upTo)) ?? 0) - before)).toBeLessThan(900_000);
        expect(Math.abs(((await ledger.newest()) ?? 0) - last)).toBeLessThan(900_000);
        expect(await ledger.newest(START - DAY_MS)).toBeUndefined();
      }
    } finally {
      await files.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
