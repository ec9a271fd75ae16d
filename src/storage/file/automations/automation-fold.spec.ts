import fc from 'fast-check';
import { KEPT_RUNS, type StoredRun } from '../../automation-store.js';
import { AutomationFold, lineOf } from './automation-fold.js';

const ID = '63b39634-ed22-475a-848b-8de3074bb71e';
const STATUSES = ['PENDING', 'RUNNING', 'COMPLETED', 'FAILED'];

const run = (number: number, status: string): StoredRun => ({
  id: `63b39634-0000-8000-8000-${String(number).padStart(12, '0')}`,
  automation_id: ID,
  status,
  created_at: new Date(number).toISOString(),
});
const first = `${JSON.stringify({ definition: { name: 'Test' }, state: {} })}\n`;
const lines = (runs: readonly StoredRun[]): string =>
  runs.map((one) => `${lineOf({ runs: [one] })}\n`).join('');
const summary = (fold: AutomationFold) => ({ stored: fold.stored, page: fold.page(0, 50), open: fold.open });

describe('AutomationFold', () => {
  it('comes to the same from a file that is written anew', () => {
    const changes = fc.array(fc.tuple(fc.nat(30), fc.constantFrom(...STATUSES)), { maxLength: 60 });
    fc.assert(
      fc.property(changes, (list) => {
        const fold = AutomationFold.of(
          ID,
          first + lines(list.map(([number, status]) => run(number, status))),
        );
        expect(summary(AutomationFold.of(ID, fold.text()))).toEqual(summary(fold));
      }),
    );
  });

  it('reads all whole lines of a file that is torn anywhere, and goes on behind them', () => {
    const whole = first + lines([run(1, 'PENDING'), run(2, 'PENDING'), run(1, 'COMPLETED')]);
    for (let length = first.length; length < whole.length; length += 1) {
      const torn = AutomationFold.of(ID, `${whole.slice(0, length)}\n${lines([run(3, 'FAILED')])}`);
      expect(torn.exists).toBe(true);
      expect(torn.run(run(3, '').id)?.status).toBe('FAILED');
      const known = whole.slice(0, length).split('\n').length - 2;
      expect(torn.size).toBeGreaterThanOrEqual(1 + Math.min(2, known));
    }
  });

  it('counts runs that it keeps no longer, and keeps those that are open', () => {
    const runs = Array.from({ length: KEPT_RUNS + 300 }, (_, index) =>
      run(index, index === 5 ? 'RUNNING' : 'COMPLETED'),
    );
    const fold = AutomationFold.of(ID, first + lines(runs));
    expect(fold.isBloated(1)).toBe(true);
    const kept = AutomationFold.of(ID, fold.text());
    expect(kept.size).toBe(KEPT_RUNS + 1);
    expect(kept.isBloated(1)).toBe(false);
    expect(kept.page(0, 1)).toMatchObject({
      total: runs.length,
      counts: { COMPLETED: runs.length - 1, RUNNING: 1 },
    });
    // Once more: what was counted stays counted.
    expect(AutomationFold.of(ID, kept.text()).page(0, 1)).toEqual(kept.page(0, 1));
  });
});
