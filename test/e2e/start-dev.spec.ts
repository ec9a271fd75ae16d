import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { spawn, type IPty } from '@lydell/node-pty';
import { copyCheckout, ROOT } from '../support/checkout.js';
import { scriptedRequest, type SeenConversation } from '../support/conversation-client.js';
import { eventually } from '../support/server-process.js';
import { writeFiles } from '../support/write-files.js';

/** Nest checks types meanwhile, which takes all processors of a small machine (ms). */
const TIMEOUT_MS = 120_000;

const CTRL_C = '\x03';

/** Prints the exit code of the last command and whether the terminal echoes and handles Ctrl-C. */
const REPORT =
  'echo "code=$?"; stty -a | tr " ;" "\\n\\n" | grep -xE -- "-?(icanon|isig|echo)" | xargs; echo over';

/** Sources that start the built server: compiling all of its own takes most of the time. */
const STARTING = `
  const server: string = ${JSON.stringify(path.join(ROOT, 'dist/current/bundle/main.js'))};
  await import(server);
`;

/** Types whose check takes the compiler a minute. */
const SLOW_TYPES = [
  "type Zeros<N, Z extends 0[] = []> = Z['length'] extends N ? Z : Zeros<N, [...Z, 0]>;",
  ...Array.from({ length: 400 }, (_, at) => `export type Zeros${at} = Zeros<${999 - at}>['length'];`),
].join('\n');

let checkout: string;
beforeAll(async () => {
  checkout = await copyCheckout({ 'src/main.ts': STARTING });
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
  function start(): void {
    output = '';
    terminal = spawn('bash', ['-c', `npm run start:dev -- --port 0; ${REPORT}`], {
      cwd: checkout,
      env: { PATH: process.env['PATH'], HOME: checkout, OH_PERSISTENCE_DIR: checkout, TERM: 'xterm' },
    });
    terminal.onData((text) => (output += text));
  }
  /** The terminal is as it was before. */
  async function endsOnCtrlC(): Promise<void> {
    terminal.write(CTRL_C);
    await eventually(() => output.includes('over'), 'the end');
    expect(output).toMatch(/code=0\r\nisig icanon echo\r\nover/);
    // The cursor is visible.
    expect(output.lastIndexOf('\x1b[?25h')).toBeGreaterThan(output.lastIndexOf('\x1b[?25l'));
    await eventually(async () => (await processes()).length === 0, 'the end of all processes');
  }
  afterEach(() => terminal.kill('SIGKILL'));

  it.each([
    ['builds', /SWC .*Running/, {}],
    ['checks types', /Initializing type checker/, { 'src/slow-types.ts': SLOW_TYPES }],
  ])(
    'ends on Ctrl-C while it %s, and leaves the terminal as it was',
    async (_when, text, sources) => {
      await writeFiles(checkout, sources);
      start();
      await eventually(() => text.test(output), String(text), TIMEOUT_MS);
      await endsOnCtrlC();
      for (const name of Object.keys(sources)) await rm(path.join(checkout, name));
    },
    2 * TIMEOUT_MS,
  );

  it(
    'restarts when a source changes, keeps conversations, and ends on Ctrl-C while it serves',
    async () => {
      start();
      const url = async (): Promise<string> => {
        const address = /listening on (http:[^\s\x1b]+)/;
        await eventually(() => address.test(output), 'the start', TIMEOUT_MS);
        return address.exec(output)?.[1] ?? '';
      };
      const answer = await fetch(`${await url()}/api/conversations`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(scriptedRequest(checkout, 'FINISH: done')),
      });
      const { id } = (await answer.json()) as SeenConversation;
      output = '';
      await writeFiles(checkout, { 'src/main.ts': `process.stdout.write('changed\\n');${STARTING}` });
      await eventually(() => output.includes('changed'), 'the restart', TIMEOUT_MS);
      expect((await fetch(`${await url()}/api/conversations/${id}`)).status).toBe(200);
      await endsOnCtrlC();
    },
    2 * TIMEOUT_MS,
  );
});
