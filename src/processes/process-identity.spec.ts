import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hasProvablyEnded, ownProcess } from './process-identity.js';

describe('the identity of a process', () => {
  it('tells that a process has ended, also when its id is in use again', async () => {
    const own = (await ownProcess()) ?? '';
    const [boot, pids, time, pid, start] = own.split(' ');
    expect([pid, own]).toEqual([
      String(process.pid),
      expect.stringMatching(/^[\da-f-]{36} pid:\[\d+\] time/),
    ]);
    expect(await hasProvablyEnded(own)).toBe(false);
    expect(await hasProvablyEnded([boot, pids, time, pid, Number(start) - 1].join(' '))).toBe(true);

    const child = spawn('sleep', ['60']);
    await once(child, 'spawn');
    const ofChild = [boot, pids, time, child.pid, start].join(' ');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await hasProvablyEnded(ofChild)).toBe(true);
  });

  it('tells nothing about processes elsewhere', async () => {
    const [boot = '', pids = '', time = ''] = ((await ownProcess()) ?? '').split(' ');
    const elsewhere = [
      ...['', 'x', `${boot} ${pids} ${time} 0 1`, `${boot} ${pids} ${time} -1 1`],
      `${boot} ${pids} ${time} 99999999999 1`,
      `${boot.replace(/^./, 'x')} ${pids} ${time} 4194303 1`,
      `${boot} pid:[1] ${time} 4194303 1`,
      `${boot} ${pids} time:[1] 4194303 1`,
    ];
    for (const identity of elsewhere)
      expect([identity, await hasProvablyEnded(identity)]).toEqual([identity, false]);
  });
});
