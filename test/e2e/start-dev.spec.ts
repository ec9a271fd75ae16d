import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { spawn, type IPty } from '@lydell/node-pty';
import { copyCheckout } from '../support/checkout.js';
import { eventually } from '../support/server-process.js';

/** Nest checks types meanwhile, which takes all processors of a small machine (ms). */
const TIMEOUT_MS = 120_000;

const CTRL_C = '\x03';

/** Prints the exit code of the last command and whether the terminal echoes and handles Ctrl-C. */
const REPORT =
  'echo "code=$?"; stty -a | tr " ;" "\\n\\n" | grep -xE -- "-?(icanon|isig|echo)" | xargs; echo over';

let checkout: string;
beforeAll(async () => {
  checkout = await copyCheckout();
});
afterAll(() => rm(checkout, { recursive: true, force: true }));

/** Processes whose command line names the copy. */
async function processes(): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'args']);
  return stdout.split('\n').filter((line) => line.includes(checkout));
}

describe('npm run start:dev in a terminal', () => {
  let terminal: IPty;
  let output: string;
  beforeEach(() => {
    output = '';
    terminal = spawn('bash', ['-c', `npm run start:dev -- --port 0; ${REPORT}`], {
      cwd: checkout,
      env: { PATH: process.env['PATH'], HOME: checkout, OH_PERSISTENCE_DIR: checkout, TERM: 'xterm' },
    });
    terminal.onData((text) => (output += text));
  });
  afterEach(() => terminal.kill('SIGKILL'));

  it.each([
    ['builds', /SWC .*Running/],
    ['checks types', /Initializing type checker/],
    ['serves', /listening on http/],
  ])(
    'ends on Ctrl-C while it %s, and leaves the terminal as it was',
    async (_when, text) => {
      await eventually(() => text.test(output), String(text), TIMEOUT_MS);
      terminal.write(CTRL_C);
      await eventually(() => output.includes('over'), 'the end');
      expect(output).toMatch(/code=0\r\nisig icanon echo\r\nover/);
      // The cursor is visible.
      expect(output.lastIndexOf('\x1b[?25h')).toBeGreaterThan(output.lastIndexOf('\x1b[?25l'));
      await eventually(async () => (await processes()).length === 0, 'the end of all processes');
    },
    2 * TIMEOUT_MS,
  );
});
