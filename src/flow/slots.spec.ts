import { Slots } from './slots.js';

describe('Slots', () => {
  it('never runs more tasks than its limit, also when one is added while a slot changes hands', async () => {
    const slots = new Slots(1);
    let running = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      most = Math.max(most, (running += 1));
      await new Promise(setImmediate);
      running -= 1;
    };
    let end: () => void = () => undefined;
    const first = slots.run(() => new Promise<void>((resolve) => (end = resolve)));
    const second = slots.run(work);
    // Tasks that are added in each of the microtasks in which the slot passes from the first to the second.
    end();
    const added: Promise<void>[] = [];
    for (let turn = 0; turn < 10; turn += 1) {
      added.push(slots.run(work));
      await Promise.resolve();
    }
    await Promise.all([first, second, ...added]);
    expect(most).toBe(1);
  });

  it('frees the slot of a task that fails', async () => {
    const slots = new Slots(1);
    await expect(slots.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await slots.run(() => Promise.resolve(3))).toBe(3);
  });
});
