import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { copyCheckout } from '../support/checkout.js';
import {
  ConversationClient,
  scriptedRequest,
  type SeenConversation,
} from '../support/conversation-client.js';
import { freePort } from '../support/free-port.js';
import { eventually, ServerProcess } from '../support/server-process.js';

/** The longest wait for a build and a start (ms): a busy machine needs a multiple of the usual seconds. */
const BUILT_MS = 120_000;
/** The time limit of a test with several builds (ms). */
const LONGEST_MS = 4 * BUILT_MS;

/** The source that the tests change: the version that `/server_info` answers. */
const VERSION = 'src/server/version.ts';

let checkout: string;
let original: string;
beforeAll(async () => {
  checkout = await copyCheckout();
  original = await readFile(path.join(checkout, VERSION), 'utf8');
});
beforeEach(() => save(original));
afterAll(() => rm(checkout, { recursive: true, force: true }));

/** Saves as editors do: a new file replaces the old one. */
async function save(text: string, file = VERSION): Promise<void> {
  const target = path.join(checkout, file);
  await writeFile(`${target}~`, text);
  await rename(`${target}~`, target);
}

/** Changes the page of the console while a server runs, and waits until the server shows the change. */
async function answersChangedConsole(url: string): Promise<void> {
  const page = 'console/index.html';
  const text = await readFile(path.join(checkout, page), 'utf8');
  await save(text.replace('<title>', '<title>Changed '), page);
  const shown = async (): Promise<string> => (await fetch(`${url}/console/`)).text();
  await eventually(async () => (await shown()).includes('<title>Changed '), 'the changed page', BUILT_MS);
  await save(text, page);
  const [, script = ''] = /src="(assets\/[^"]+)"/.exec(await shown()) ?? [];
  expect((await fetch(`${url}/console/${script}`)).headers.get('content-type')).toMatch('text/javascript');
}

function withVersion(version: string): string {
  return original.replace(/API_VERSION = '[^']+'/, `API_VERSION = '${version}'`);
}

async function answersVersion(url: string, version: string): Promise<void> {
  const isAnswered = async () => {
    const read = async (): Promise<string> => (await fetch(`${url}/server_info`)).text();
    return (await read().catch(() => '')).includes(`"version":"${version}"`);
  };
  await eventually(isAnswered, `version ${version}`, BUILT_MS);
}

async function isDown(url: string): Promise<boolean> {
  return fetch(`${url}/alive`).then(
    () => false,
    () => true,
  );
}

describe('--reload in a checkout', () => {
  let server: ServerProcess;
  beforeEach(async () => {
    server = await ServerProcess.start({
      main: path.join(checkout, 'dist/main.js'),
      args: ['--reload', '--port', String(await freePort())],
    });
  });
  afterEach(() => server.stop());

  async function buildFolders(): Promise<string[]> {
    const cache = path.join(checkout, 'node_modules/.cache/openhands-agent-server');
    return readdir(cache).catch(() => []);
  }

  it(
    'restarts when a source changes, keeps every conversation, and shows a changed console',
    async () => {
      const script = 'RUN: echo before\nWAIT: 60\nFINISH: done';
      const conversation = await ConversationClient.create(server, scriptedRequest(server.cwd, script));
      const socket = await conversation.listen();
      await socket.sees(({ kind }) => kind === 'ObservationEvent');

      for (const version of ['9.9.1', '9.9.2']) {
        await save(withVersion(version));
        await answersVersion(server.url, version);
      }
      expect(socket.closeCode).toBe(1012);
      expect(await conversation.status()).toBe('paused');
      await conversation.send('FINISH: after', false);
      expect((await conversation.events()).filter(({ kind }) => kind === 'ObservationEvent')).toHaveLength(1);

      await answersChangedConsole(server.url);

      // One supervisor keeps one folder of builds, and removes it at the end.
      expect(await buildFolders()).toHaveLength(1);
      expect(await server.end()).toBe(0);
      expect(await isDown(server.url)).toBe(true);
      expect(await buildFolders()).toEqual([]);
    },
    LONGEST_MS,
  );

  it(
    'keeps the server running while a source does not compile',
    async () => {
      await save('export const API_VERSION = ;');
      await server.logs('the server continues unchanged');
      await server.logs('Expression expected');
      expect((await server.request('GET', '/ready')).status).toBe(200);
      await save(withVersion('9.9.3'));
      await answersVersion(server.url, '9.9.3');
    },
    LONGEST_MS,
  );

  it(
    'waits for the next change when the changed server does not start, and notices new files',
    async () => {
      await save(`${original}\nimport './fault.js';`);
      await server.logs('waiting for a change');
      expect(await isDown(server.url)).toBe(true);
      await save(`${withVersion('9.9.4')}\nimport './fault.js';`);
      await save('export {};', 'src/server/fault.ts');
      await answersVersion(server.url, '9.9.4');
      await rm(path.join(checkout, 'src/server/fault.ts'));
    },
    LONGEST_MS,
  );

  it('leaves no server behind when its supervisor is killed', async () => {
    expect(await server.end('SIGKILL')).toBe('SIGKILL');
    await eventually(() => isDown(server.url), 'the end of the server');
  });
});

describe('--reload without sources', () => {
  it(
    'restarts when the built server is replaced',
    async () => {
      const installed = path.join(checkout, 'installed');
      for (const name of ['dist/main.js', 'dist/bundle', 'package.json']) {
        await cp(path.join(checkout, name), path.join(installed, name), { recursive: true });
      }
      const server = await ServerProcess.start({
        main: path.join(installed, 'dist/main.js'),
        args: ['--reload', '--port', String(await freePort())],
      });
      try {
        const bundle = path.join(installed, 'dist/bundle');
        for (const name of (await readdir(bundle)).filter((name) => name.endsWith('.cjs'))) {
          const file = path.join(bundle, name);
          await writeFile(file, (await readFile(file, 'utf8')).replaceAll('"1.58.2"', '"9.9.50"'));
        }
        await answersVersion(server.url, '9.9.50');
        expect(await server.end()).toBe(0);
      } finally {
        await server.stop();
      }
    },
    LONGEST_MS,
  );

  it('exits with the error when the server cannot start', async () => {
    await expect(
      ServerProcess.start({ cwd: checkout, args: ['--reload'], env: { OH_MAX_CONCURRENT_RUNS: '0' } }),
    ).rejects.toThrow('max_concurrent_runs: expected a whole number');
  });
});

describe('npm run start:dev', () => {
  it(
    'restarts when a source changes, shows a changed console, and ends with its server',
    async () => {
      const port = String(await freePort());
      const url = `http://127.0.0.1:${port}`;
      const child = spawn('npm', ['run', 'start:dev', '--', '--host', '127.0.0.1', '--port', port], {
        cwd: checkout,
        stdio: 'ignore',
      });
      try {
        await answersVersion(url, '1.58.2');
        const answer = await fetch(`${url}/api/conversations`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(scriptedRequest(checkout, 'FINISH: done')),
        });
        const { id } = (await answer.json()) as SeenConversation;
        await save(withVersion('9.9.6'));
        await answersVersion(url, '9.9.6');
        expect((await fetch(`${url}/api/conversations/${id}`)).status).toBe(200);
        await answersChangedConsole(url);
      } finally {
        const exit = once(child, 'exit');
        child.kill();
        await exit;
      }
      expect(await isDown(url)).toBe(true);
    },
    LONGEST_MS,
  );
});
