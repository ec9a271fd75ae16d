import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { formatLocal } from '../../../events/clock.js';
import type { EntryFilter, EventIndexEntry } from '../../event-log.js';
import { EventIndex } from './event-index.js';

const KINDS = ['MessageEvent', 'ActionEvent', 'PauseEvent'];
const timestamp = fc.oneof(
  fc.integer({ min: 0, max: 20 }).map((n) => formatLocal(1_795_000_000_000_000 + n)),
  // In other formats: compared as strings.
  fc.constantFrom('2026-11-18T11:06:40', '', '2026-11-18T11:06:40.000005Z', '9999-12-31T23:59:59.999999'),
);
const entry = fc.record({
  // Ids that are not UUIDs do not fit the packed form.
  id: fc.oneof(
    fc.constant(null).map(() => randomUUID()),
    fc.uuid().map((id) => `odd ${id}`),
  ),
  kind: fc.constantFrom(...KINDS),
  source: fc.constantFrom('user', 'agent'),
  timestamp,
});
const filter = fc.record(
  {
    kind: fc.constantFrom(...KINDS, 'NoSuchEvent'),
    source: fc.constantFrom('user', 'agent', 'nobody'),
    timestampGte: timestamp,
    timestampLt: timestamp,
  },
  { requiredKeys: [] },
);

function isWanted(entry: EventIndexEntry, { kind, source, timestampGte, timestampLt }: EntryFilter): boolean {
  return (
    (kind === undefined || entry.kind === kind) &&
    (source === undefined || entry.source === source) &&
    (timestampGte === undefined || entry.timestamp >= timestampGte) &&
    (timestampLt === undefined || entry.timestamp < timestampLt)
  );
}

describe('EventIndex', () => {
  it('selects matching events from any seq in both directions', () => {
    const range = fc.record({
      from: fc.integer({ min: -2, max: 30 }),
      descending: fc.boolean(),
      length: fc.nat(25),
      limit: fc.nat(8),
    });
    fc.assert(
      fc.property(
        fc.array(entry, { maxLength: 25 }),
        filter,
        range,
        (entries, wanted, { length, ...where }) => {
          const index = new EventIndex();
          for (const [seq, it] of entries.entries()) index.push(it, (seq + 1) * 100);
          const end = Math.min(length, entries.length);
          const seqs = entries.flatMap((it, seq) => (seq < end && isWanted(it, wanted) ? [seq] : []));
          const expected = where.descending
            ? seqs.filter((seq) => seq <= where.from).reverse()
            : seqs.filter((seq) => seq >= where.from);
          const found = index.select(wanted, { ...where, length: end });
          expect(found).toEqual(expected.slice(0, where.limit));
          const copy = index.packed();
          if (copy) expect(EventIndex.of(copy).select(wanted, { ...where, length: end })).toEqual(found);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
