import { runBatch } from './tool-execution.js';

/** A task that runs until it is told to end. */
function controlled(name: string, resource: string | undefined, log: string[]) {
  let finish: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (finish = resolve));
  return {
    finish,
    task: {
      resources: resource === undefined ? [] : [{ kind: 'file' as const, key: resource }],
      run: async () => {
        log.push(`start ${name}`);
        await ended;
        return name;
      },
    },
  };
}

const turns = async () => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
};

describe('runBatch', () => {
  it('hands results over in the order of the calls, whichever ends first', async () => {
    const log: string[] = [];
    const first = controlled('a', undefined, log);
    const second = controlled('b', undefined, log);
    const batch = runBatch([first.task, second.task], 2, (name) =>
      Promise.resolve(void log.push(`got ${name}`)),
    );
    await turns();
    second.finish();
    await turns();
    first.finish();
    await batch;
    expect(log).toEqual(['start a', 'start b', 'got a', 'got b']);
  });

  it('runs one at a time by default and hands each result over at once', async () => {
    const log: string[] = [];
    const first = controlled('a', undefined, log);
    const second = controlled('b', undefined, log);
    const batch = runBatch([first.task, second.task], 1, (name) =>
      Promise.resolve(void log.push(`got ${name}`)),
    );
    first.finish();
    second.finish();
    await batch;
    expect(log.indexOf('got a')).toBeLessThan(log.indexOf('got b'));
    expect(log.indexOf('start a')).toBeLessThan(log.indexOf('start b'));
  });

  it('keeps calls that touch the same thing apart', async () => {
    const log: string[] = [];
    const first = controlled('a', '/x', log);
    const second = controlled('b', '/x', log);
    const third = controlled('c', '/y', log);
    const tasks = [first.task, second.task, third.task];
    const batch = runBatch(tasks, 3, () => Promise.resolve());
    await turns();
    expect(log).toEqual(['start a', 'start c']);
    first.finish();
    second.finish();
    third.finish();
    await batch;
    expect(log).toEqual(['start a', 'start c', 'start b']);
  });

  it('passes a failure on', async () => {
    const failing = { resources: [], run: () => Promise.reject(new Error('broken')) };
    await expect(runBatch([failing], 1, () => Promise.resolve())).rejects.toThrow('broken');
  });
});
