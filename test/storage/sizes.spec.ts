import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { CatalogueEntry } from '../../src/storage/index.js';
import { amount, FULL } from '../load/load-watch.js';
import { entryOf, metadataAt } from './catalogue-model.js';
import { numberedFrom } from './log-model.js';
import { describeDrivers, disown, own } from './storage-driver.js';

/** `LOAD=full` takes the full sizes. */
const EVENTS = amount(2000, 100_000);
const CONVERSATIONS = amount(150, 10_000);
const CHUNK = 500;

beforeEach(() => {
  for (const level of ['log', 'warn', 'error'] as const)
    jest.spyOn(Logger.prototype, level).mockImplementation(() => undefined);
});
afterEach(() => void jest.restoreAllMocks());

describeDrivers('a large storage', (storage) => {
  /** Prints how long a step took in the full form. */
  async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const result = await work();
    if (FULL) process.stderr.write(`LOAD | ${what} | ${Math.round(performance.now() - start)} ms\n`);
    return result;
  }

  it('appends, pages and filters a long log', async () => {
    const [one, two] = [await storage.server(), await storage.server()];
    const { id, fence, log } = await own(one);
    const records = numberedFrom(0, EVENTS);
    await timed(`${EVENTS} events`, async () => {
      for (let from = 0; from < EVENTS; from += CHUNK)
        await log.append(from, fence, records.slice(from, from + CHUNK));
    });
    await disown(one, { id, fence, log });
    const reader = await timed('open', () => two.logs.read(id));
    expect(reader.length).toBe(EVENTS);
    for (const from of [0, EVENTS >> 1, EVENTS - 100]) {
      const page = await timed(`page from ${from}`, () => reader.read(from, 100));
      expect(page).toEqual(records.slice(from, from + 100).map(({ line }) => line));
    }
    const kind = records[EVENTS - 1]?.kind ?? '';
    const seqs = records.flatMap((record, seq) => (record.kind === kind ? [seq] : []));
    expect(await timed('count', () => reader.count({ kind }, EVENTS))).toBe(seqs.length);
    const range = { from: EVENTS, descending: true, length: EVENTS, limit: 50 };
    expect(await timed('last of a kind', () => reader.select({ kind }, range))).toEqual(
      seqs.slice(-50).reverse(),
    );
    const rare = { timestampGte: records[EVENTS - 3]?.timestamp ?? '' };
    const found = await timed('by time', () => reader.select(rare, { ...range, from: 0, descending: false }));
    expect(found).toEqual(records.flatMap((it, seq) => (it.timestamp >= rare.timestampGte ? [seq] : [])));
    const ids = [0, EVENTS >> 1, EVENTS - 1].map((seq) => records[seq]?.id ?? '');
    expect(await timed('ids', () => reader.seqsOf(ids))).toEqual([0, EVENTS >> 1, EVENTS - 1]);
    await reader.close();
  });

  it('lists many conversations in pages', async () => {
    const [one, two] = [await storage.server(), await storage.server()];
    const stored = Array.from({ length: CONVERSATIONS }, (_, number) =>
      metadataAt(number, { execution_status: number % 50 === 0 ? 'running' : 'idle' }),
    );
    await timed(`${CONVERSATIONS} conversations`, async () => {
      for (let from = 0; from < CONVERSATIONS; from += 20) {
        const some = stored.slice(from, from + 20);
        await Promise.all(
          some.map(async (metadata) => {
            const fence = await one.leases.acquire(metadata.id);
            await one.catalogue.beginCreation(metadata.id, fence);
            await one.catalogue.save(metadata, fence);
            await one.leases.release(fence);
          }),
        );
      }
    });
    const all: CatalogueEntry[] = [];
    await timed('all pages', async () => {
      for (let after: CatalogueEntry | undefined; all.length < CONVERSATIONS; after = all.at(-1)) {
        const page = await two.catalogue.page({ order: 'CREATED_AT', limit: 100, ...(after && { after }) });
        if (page.length === 0) break;
        all.push(...page);
      }
    });
    expect(all).toEqual(stored.map(entryOf));
    const newest = { order: 'UPDATED_AT_DESC', limit: 20 } as const;
    const page = await timed('the first page', () => two.catalogue.page(newest));
    expect(page).toEqual(stored.slice(-20).reverse().map(entryOf));
    expect(await timed('count', () => two.catalogue.count('running'))).toBe(CONVERSATIONS / 50);
    const ids = stored.slice(0, 20).map(({ id }) => id);
    expect(await timed('contents', () => two.catalogue.loadMany(ids))).toEqual(stored.slice(0, 20));
  });
});
