import { setImmediate as nextTurn } from 'node:timers/promises';
import { SharedRun } from './shared-run.js';

describe('SharedRun', () => {
  let ends: ((error?: Error) => void)[];
  let shared: SharedRun;

  beforeEach(() => {
    ends = [];
    shared = new SharedRun(
      () =>
        new Promise((resolve, reject) => {
          ends.push((error) => (error ? reject(error) : resolve()));
        }),
    );
  });

  it('begins at once, and lets all callers during a run share the next one', async () => {
    const first = shared.run();
    expect(ends).toHaveLength(1);
    const [second, third] = [shared.run(), shared.run()];
    expect(second).toBe(third);
    expect(shared.last).toBe(second);
    expect(ends).toHaveLength(1);
    ends[0]?.();
    await first;
    await nextTurn();
    expect(ends).toHaveLength(2);
    const fourth = shared.run();
    expect(fourth).not.toBe(second);
    ends[1]?.();
    await second;
    await nextTurn();
    ends[2]?.();
    await fourth;
    expect(ends).toHaveLength(3);
    expect(shared.last).toBeUndefined();
  });

  it('tells a failure to the callers of its run only', async () => {
    const first = shared.run();
    const second = shared.run();
    ends[0]?.(new Error('full'));
    await expect(first).rejects.toThrow('full');
    await nextTurn();
    ends[1]?.();
    await second;
    expect(shared.last).toBeUndefined();
  });
});
