import fc from 'fast-check';
import { compareUrgency, PRIORITY_POINT_MS, QueueOrder } from './queue-order.js';
import { MAX_PRIORITY, MIN_PRIORITY, type QueuedRun } from './queued-run.js';

const OWNERS = [null, 'alice', 'bob'];

const runs = fc
  .uniqueArray(
    fc.record({
      conversation_id: fc.uuid(),
      owner_key: fc.constantFrom(...OWNERS),
      priority: fc.integer({ min: -3, max: 3 }),
      queued_at: fc.nat({ max: 10 * PRIORITY_POINT_MS }).map((ms) => new Date(ms).toISOString()),
      log_length: fc.nat(),
    }),
    { selector: (run) => run.conversation_id },
  )
  .map((all): QueuedRun[] => all);
const active = fc.record({ alice: fc.nat(3), bob: fc.nat(3), admin: fc.nat(3) });

const countsOf =
  ({ alice, bob, admin }: { alice: number; bob: number; admin: number }) =>
  (owner: string | null): number =>
    owner === null ? admin : owner === 'alice' ? alice : bob;

function orderOf(all: readonly QueuedRun[], activeOf: (owner: string | null) => number) {
  const order = new QueueOrder<QueuedRun>(activeOf);
  for (const run of all) order.add(run);
  return order;
}

describe('the order of runs that wait', () => {
  it('is that of urgency within a key', () => {
    fc.assert(
      fc.property(runs, active, (all, counts) => {
        const ordered = orderOf(all, countsOf(counts)).first();
        for (const owner of OWNERS) {
          const own = ordered.filter((run) => run.owner_key === owner);
          expect(own).toEqual(own.toSorted(compareUrgency));
        }
      }),
    );
  });

  it('lets no key start two runs more than another one that waits', () => {
    fc.assert(
      fc.property(runs, active, (all, counts) => {
        const of = countsOf(counts);
        const started = new Map(OWNERS.map((owner) => [owner, of(owner)]));
        const ordered = orderOf(all, of).first();
        expect(ordered).toHaveLength(all.length);
        ordered.forEach((run, index) => {
          const mine = started.get(run.owner_key) ?? 0;
          for (const { owner_key } of ordered.slice(index + 1))
            expect(mine).toBeLessThanOrEqual(started.get(owner_key) ?? 0);
          started.set(run.owner_key, mine + 1);
        });
      }),
    );
  });

  it('tells how many start before a run, and which are the first', () => {
    fc.assert(
      fc.property(runs, active, fc.nat(5), (all, counts, few) => {
        const order = orderOf(all, countsOf(counts));
        const ordered = order.first();
        expect(ordered.map((run) => order.before(run))).toEqual(ordered.map((_, index) => index));
        expect(order.first(few)).toEqual(ordered.slice(0, few));
      }),
    );
  });

  it('is that in which runs start one after the other, whatever leaves in between', () => {
    fc.assert(
      fc.property(runs, active, fc.func(fc.nat(3)), (all, counts, leaves) => {
        const of = countsOf(counts);
        const started = new Map(OWNERS.map((owner) => [owner, of(owner)]));
        const order = orderOf(all, (owner) => started.get(owner) ?? 0);
        const left = new Set(all);
        while (left.size > 0) {
          const expected = order.first();
          const next = order.next(
            () => false,
            () => true,
          );
          expect(next).toBe(expected[0]);
          if (!next) return;
          order.delete(next);
          left.delete(next);
          if (leaves(next.conversation_id) > 0)
            started.set(next.owner_key, (started.get(next.owner_key) ?? 0) + 1);
        }
        expect(order.first()).toEqual([]);
      }),
    );
  });

  it('lets no run wait for ever for more urgent ones that come later', () => {
    const bound = (MAX_PRIORITY - MIN_PRIORITY) * PRIORITY_POINT_MS;
    const run = (priority: number, ms: number): QueuedRun => ({
      conversation_id: String(priority),
      owner_key: null,
      priority,
      queued_at: new Date(ms).toISOString(),
      log_length: 0,
    });
    expect(compareUrgency(run(MIN_PRIORITY, 0), run(MAX_PRIORITY, bound + 1))).toBeLessThan(0);
    expect(compareUrgency(run(MIN_PRIORITY, 0), run(MAX_PRIORITY, bound - 1))).toBeGreaterThan(0);
  });
});
