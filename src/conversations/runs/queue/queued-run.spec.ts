import fc from 'fast-check';
import { inOrder, type QueuedRun, readQueuedRun } from './queued-run.js';

const RUN: QueuedRun = {
  conversation_id: 'a',
  owner_key: null,
  priority: 0,
  queued_at: '2026-01-01T00:00:00.000Z',
  log_length: 1,
};

const runs = fc
  .uniqueArray(
    fc.record({
      conversation_id: fc.uuid(),
      owner_key: fc.constantFrom(null, 'alice', 'bob'),
      priority: fc.integer({ min: -3, max: 3 }),
      queued_at: fc
        .date({ noInvalidDate: true, min: new Date(0), max: new Date(9e12) })
        .map((date) => date.toISOString()),
      log_length: fc.nat(),
    }),
    { selector: (run) => run.conversation_id },
  )
  .map((all): QueuedRun[] => all);

describe('the order of runs that wait', () => {
  it('is that of priority and age within a key', () => {
    fc.assert(
      fc.property(runs, fc.nat(3), (all, active) => {
        for (const owner of [null, 'alice', 'bob']) {
          const own = inOrder(all, () => active).filter((run) => run.owner_key === owner);
          own.slice(1).forEach((run, index) => {
            const before = own[index] ?? run;
            expect(before.priority).toBeGreaterThanOrEqual(run.priority);
            if (before.priority === run.priority) expect(before.queued_at <= run.queued_at).toBe(true);
          });
        }
      }),
    );
  });

  it('lets no key start two runs more than another one that waits', () => {
    fc.assert(
      fc.property(runs, fc.nat(3), fc.nat(3), (all, ofAlice, ofBob) => {
        const active = new Map<string | null, number>([
          ['alice', ofAlice],
          ['bob', ofBob],
        ]);
        const ordered = inOrder(all, (owner) => active.get(owner) ?? 0);
        expect(ordered).toHaveLength(all.length);
        ordered.forEach((run, index) => {
          const mine = active.get(run.owner_key) ?? 0;
          for (const { owner_key } of ordered.slice(index + 1))
            expect(mine).toBeLessThanOrEqual(active.get(owner_key) ?? 0);
          active.set(run.owner_key, mine + 1);
        });
      }),
    );
  });
});

describe('an entry of the stored queue', () => {
  it('is read as it was written', () => {
    fc.assert(fc.property(runs, (all) => expect(all.map((run) => readQueuedRun({ ...run }))).toEqual(all)));
  });

  it.each([
    null,
    [],
    'text',
    {},
    { ...RUN, conversation_id: 1 },
    { ...RUN, owner_key: 1 },
    { ...RUN, priority: 0.5 },
    { ...RUN, queued_at: 'soon' },
    { ...RUN, log_length: -1 },
  ])('is dropped if it is not one: %j', (value) => {
    expect(readQueuedRun(value)).toBeUndefined();
  });
});
