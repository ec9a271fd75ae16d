import { spawn } from '@lydell/node-pty';

import { readRemainder } from './pty-remainder.js';

/** Without `readRemainder` a few of these shells lose their last line, more on a busy machine. */
const SHELLS = 600;

it('passes on the last output of shells that exit at once', async () => {
  let lost = 0;
  for (let count = 0; count < SHELLS; count += 1) if (!(await lastOutput()).includes('out\r\n')) lost += 1;
  expect(lost).toBe(0);
}, 60_000);

/** The output of a shell that waits for a line, prints one and exits. */
function lastOutput(): Promise<string> {
  return new Promise((resolve) => {
    const pty = spawn('bash', ['--noprofile', '--norc', '-c', 'read x; echo out; exit 3'], {
      encoding: null,
    });
    const received: Buffer[] = [];
    const push = (data: string | Buffer): unknown =>
      received.push(typeof data === 'string' ? Buffer.from(data) : data);
    pty.onData(push);
    readRemainder(pty, push);
    pty.onExit(() => resolve(Buffer.concat(received).toString()));
    pty.write('go\r');
  });
}
