import fc from 'fast-check';
import type { CatalogueEntry } from '../../storage/index.js';
import { pageOf, type ConversationSortOrder } from './conversation-page.js';

const ORDERS: ConversationSortOrder[] = ['CREATED_AT', 'UPDATED_AT', 'CREATED_AT_DESC', 'UPDATED_AT_DESC'];
const hex = (id: string): string => id.replaceAll('-', '');

/** Few different times and statuses, so that many entries share them. */
const catalogue = fc
  .array(fc.record({ updated: fc.nat(6), status: fc.constantFrom('idle', 'running', 'finished') }), {
    maxLength: 40,
  })
  .map((all) =>
    all.map(({ updated, status }, index): CatalogueEntry => ({
      id: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
      created_at: `2026-01-01T00:00:${String(Math.floor(index / 2)).padStart(2, '0')}Z`,
      updated_at: `2026-01-02T00:00:0${updated}Z`,
      execution_status: status,
      parent_conversation_id: null,
    })),
  );

describe('pageOf', () => {
  it('selects the same page as sorting, slicing and filtering all entries', () => {
    const status = fc.constantFrom(undefined, 'running', 'unknown');
    const order = fc.constantFrom(...ORDERS);
    fc.assert(
      fc.property(
        catalogue,
        order,
        status,
        fc.nat(45),
        fc.integer({ min: 1, max: 12 }),
        (entries, sortOrder, state, from, limit) => {
          const pageId = entries[from]?.id;
          const ascending = sortOrder.startsWith('UPDATED')
            ? entries.toSorted(
                (a, b) => Number(a.updated_at > b.updated_at) - Number(a.updated_at < b.updated_at),
              )
            : entries;
          const all = sortOrder.endsWith('_DESC') ? ascending.toReversed() : ascending;
          const start = Math.max(
            0,
            all.findIndex(({ id }) => id === pageId),
          );
          const expected = all
            .slice(start)
            .filter((entry) => state === undefined || entry.execution_status === state)
            .slice(0, limit + 1);
          const query = { pageId: pageId && hex(pageId), status: state, sortOrder, limit };
          expect(pageOf(entries, query)).toEqual(expected);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('selects the first page for an unknown id', () => {
    const [entries = []] = fc.sample(catalogue, { numRuns: 1, seed: 7 });
    for (const sortOrder of ORDERS)
      expect(pageOf(entries, { pageId: 'nobody', limit: 5, sortOrder })).toEqual(
        pageOf(entries, { limit: 5, sortOrder }),
      );
  });
});
