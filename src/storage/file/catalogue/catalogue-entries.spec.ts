import fc from 'fast-check';
import type { CatalogueCursor, CatalogueEntry, CatalogueOrder, CatalogueQuery } from '../../catalogue.js';
import { CatalogueEntries } from './catalogue-entries.js';

const ORDERS: CatalogueOrder[] = ['CREATED_AT', 'UPDATED_AT', 'CREATED_AT_DESC', 'UPDATED_AT_DESC'];
const MAX_ID = 30;

const idOf = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

/** Few different times, statuses and parents, so that many entries share them. */
const entry = fc
  .record({
    id: fc.nat(MAX_ID),
    created: fc.nat(9),
    updated: fc.nat(6),
    status: fc.constantFrom('idle', 'running', 'finished'),
    parent: fc.option(fc.nat(2)),
    owner: fc.constantFrom(null, null, 'one', 'two'),
  })
  .map(({ id, created, updated, status, parent, owner }): CatalogueEntry => ({
    id: idOf(id),
    // Most conversations are created in the order of their ids, and keep their time.
    created_at: `2026-01-01T00:00:0${created < 7 ? Math.floor(id / 10) : created}Z`,
    updated_at: `2026-01-02T00:00:0${updated}Z`,
    execution_status: status,
    parent_conversation_id: parent === null ? null : idOf(100 + parent),
    owner_key: owner,
  }));
const query = fc.record({
  order: fc.constantFrom(...ORDERS),
  status: fc.constantFrom(undefined, 'running', 'unknown'),
  ownerKey: fc.constantFrom(undefined, undefined, 'one', 'nobody'),
  from: fc.option(fc.nat(MAX_ID + 3), { nil: undefined }),
  after: fc.option(entry, { nil: undefined, freq: 2 }),
  limit: fc.integer({ min: 1, max: 12 }),
});
const operation = fc.oneof(
  fc.record({ set: entry }),
  fc.record({ delete: fc.nat(MAX_ID) }),
  fc.record({ page: query }),
);

describe('CatalogueEntries', () => {
  it('selects the same pages and counts as sorting, slicing and filtering, whatever was changed before', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 80 }), (operations) => {
        const entries = new CatalogueEntries();
        const model = new Map<string, CatalogueEntry>();
        for (const each of operations) {
          if ('set' in each) {
            entries.set(each.set);
            model.set(each.set.id, each.set);
          } else if ('delete' in each) {
            entries.delete(idOf(each.delete));
            model.delete(idOf(each.delete));
          } else {
            const from = each.page.from === undefined ? undefined : idOf(each.page.from);
            const wanted = { ...each.page, from };
            expect(entries.page(wanted)).toEqual(pageOf([...model.values()], wanted));
            const { status, ownerKey } = wanted;
            const all = [...model.values()].filter((one) => !status || one.execution_status === status);
            expect(entries.count(status, ownerKey)).toBe(
              all.filter((one) => ownerKey === undefined || one.owner_key === ownerKey).length,
            );
          }
        }
        for (const parent of [0, 1, 2].map((number) => idOf(100 + number))) {
          const children = [...model.values()].filter((one) => one.parent_conversation_id === parent);
          expect(entries.childrenOf(parent)).toEqual(children.sort(byCreation).map(({ id }) => id));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('keeps the orders when very many entries are updated between two pages', () => {
    const entries = new CatalogueEntries();
    const model = new Map<string, CatalogueEntry>();
    for (let round = 0; round < 3; round++) {
      for (let number = 0; number < 1000; number++) {
        const one: CatalogueEntry = {
          id: idOf(number),
          created_at: '2026-01-01T00:00:00Z',
          updated_at: `2026-01-02T00:00:00.${String((number * 7919 + round * 104_729) % 1000).padStart(3, '0')}Z`,
          execution_status: 'idle',
          parent_conversation_id: null,
          owner_key: null,
        };
        entries.set(one);
        model.set(one.id, one);
      }
      const wanted = { order: 'UPDATED_AT_DESC', limit: 500 } as const;
      expect(entries.page(wanted)).toEqual(pageOf([...model.values()], wanted));
    }
  });
});

function pageOf(
  entries: CatalogueEntry[],
  { order, status, from, after, limit, ownerKey }: CatalogueQuery,
): CatalogueEntry[] {
  const ascending = order.startsWith('UPDATED') ? byUpdate : byCreation;
  const compare: typeof ascending = order.endsWith('_DESC') ? (a, b) => ascending(b, a) : ascending;
  const all = entries
    .filter((one) => ownerKey === undefined || one.owner_key === ownerKey)
    .filter((one) => !after || compare(one, after) > 0)
    .sort(compare);
  const start = after
    ? 0
    : Math.max(
        0,
        all.findIndex(({ id }) => id === from),
      );
  return all
    .slice(start)
    .filter((one) => status === undefined || one.execution_status === status)
    .slice(0, limit);
}

function byCreation(a: CatalogueCursor, b: CatalogueCursor): number {
  const [one, other] = [a.created_at + a.id, b.created_at + b.id];
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

function byUpdate(a: CatalogueCursor, b: CatalogueCursor): number {
  return a.updated_at === b.updated_at ? byCreation(a, b) : a.updated_at < b.updated_at ? -1 : 1;
}
