import { KeyedSerialQueue, SerialQueue } from './serial-queue.js';

/** A task that runs until it is told to end. */
function openTask(name: string, log: string[]) {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const run = async (): Promise<string> => {
    log.push(`${name} starts`);
    await ended;
    log.push(`${name} ends`);
    return name;
  };
  return { run, end };
}

describe('SerialQueue', () => {
  it('runs tasks in order, one at a time, also after one that failed', async () => {
    const queue = new SerialQueue();
    const log: string[] = [];
    const first = openTask('first', log);
    const results = [
      queue.run(first.run),
      queue.run(() => Promise.reject(new Error('no'))),
      queue.run(() => 3),
    ];
    expect(queue.isIdle).toBe(false);
    first.end();
    expect((await Promise.allSettled(results)).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    await queue.settled();
    expect(queue.isIdle).toBe(true);
    expect(log).toEqual(['first starts', 'first ends']);
  });
});

describe('KeyedSerialQueue', () => {
  it('runs tasks of one key in order and those of different keys side by side', async () => {
    const queue = new KeyedSerialQueue();
    const log: string[] = [];
    const [a, b, c] = ['a', 'b', 'c'].map((name) => openTask(name, log)) as [Open, Open, Open];
    const all = [queue.run('x', a.run), queue.run('x', b.run), queue.run('y', c.run)];
    c.end();
    await all[2];
    b.end();
    a.end();
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c']);
    expect(log).toEqual(['a starts', 'c starts', 'c ends', 'a ends', 'b starts', 'b ends']);
    await new Promise(setImmediate);
    expect([queue.has('x'), queue.has('y')]).toEqual([false, false]);
  });

  it('runs an exclusive task between those added before and those added after it', async () => {
    const queue = new KeyedSerialQueue();
    const log: string[] = [];
    const [before, alone, after] = ['before', 'alone', 'after'].map((name) => openTask(name, log)) as [
      Open,
      Open,
      Open,
    ];
    const all = [queue.run('x', before.run), queue.runExclusively(alone.run), queue.run('y', after.run)];
    after.end();
    alone.end();
    before.end();
    await Promise.all(all);
    expect(log.filter((line) => line.endsWith('starts'))).toEqual([
      'before starts',
      'alone starts',
      'after starts',
    ]);
  });
});

type Open = ReturnType<typeof openTask>;
