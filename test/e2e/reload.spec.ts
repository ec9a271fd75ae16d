import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { copyCheckout, linkTree, ROOT } from '../support/checkout.js';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { freePort } from '../support/free-port.js';
import { isAlive } from '../support/is-alive.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { writeFiles } from '../support/write-files.js';

/** The longest wait for a build and a start (ms): a busy machine needs a multiple of the usual seconds. */
const BUILT_MS = 120_000;
/** The time limit of a test with several builds (ms). */
const LONGEST_MS = 4 * BUILT_MS;

/** Saves as editors do: a new file replaces the old one. */
async function save(checkout: string, file: string, text: string): Promise<void> {
  const target = path.join(checkout, file);
  await writeFile(`${target}~`, text);
  await rename(`${target}~`, target);
}

async function answersVersion(url: string, version: string): Promise<void> {
  const isAnswered = async () => {
    const read = async (): Promise<string> => (await fetch(`${url}/server_info`)).text();
    return (await read().catch(() => '')).includes(`"version":"${version}"`);
  };
  await eventually(isAnswered, `version ${version}`, BUILT_MS);
}

/** Changes the page of the console while a server runs, and waits until the server shows the change. */
async function answersChangedConsole(checkout: string, url: string): Promise<void> {
  const page = 'console/index.html';
  const text = await readFile(path.join(checkout, page), 'utf8');
  await save(checkout, page, text.replace('<title>', '<title>Changed '));
  const shown = async (): Promise<string> => (await fetch(`${url}/console/`)).text();
  await eventually(async () => (await shown()).includes('<title>Changed '), 'the changed page', BUILT_MS);
  await save(checkout, page, text);
  const [, script = ''] = /src="(assets\/[^"]+)"/.exec(await shown()) ?? [];
  expect((await fetch(`${url}/console/${script}`)).headers.get('content-type')).toMatch('text/javascript');
}

async function isDown(url: string): Promise<boolean> {
  return fetch(`${url}/alive`).then(
    () => false,
    () => true,
  );
}

/** The folders in which supervisors of a checkout keep their builds. */
async function buildFolders(checkout: string): Promise<string[]> {
  return readdir(path.join(checkout, 'node_modules/.cache/openhands-agent-server')).catch(() => []);
}

async function startReloading(checkout: string): Promise<ServerProcess> {
  return ServerProcess.start({
    main: path.join(checkout, 'dist/main.js'),
    args: ['--reload', '--port', String(await freePort())],
    startMs: BUILT_MS,
  });
}

/** Changes the version in the sources of the server: their build has another one. */
async function changeVersion(checkout: string, version: string): Promise<void> {
  const file = 'src/server/version.ts';
  const text = await readFile(path.join(checkout, file), 'utf8');
  await save(checkout, file, text.replace(/API_VERSION = '[^']+'/, `API_VERSION = '${version}'`));
}

describe('the sources of the server', () => {
  let checkout: string;
  beforeEach(async () => {
    checkout = await copyCheckout();
  });
  afterEach(() => rm(checkout, { recursive: true, force: true }));

  it(
    '--reload runs the sources, shows a changed console, and removes its builds',
    async () => {
      await changeVersion(checkout, '9.9.1');
      const server = await startReloading(checkout);
      try {
        await answersVersion(server.url, '9.9.1');
        await answersChangedConsole(checkout, server.url);
        expect(await server.end()).toBe(0);
        expect(await isDown(server.url)).toBe(true);
        expect(await buildFolders(checkout)).toEqual([]);
      } finally {
        await server.stop();
      }
    },
    LONGEST_MS,
  );

  it(
    'npm run start:dev runs the sources, shows a changed console, and ends with its server',
    async () => {
      await changeVersion(checkout, '9.9.6');
      // The check of types takes most of the time; start-dev.spec.ts has it.
      const configuration = await readFile(path.join(checkout, 'nest-cli.json'), 'utf8');
      await save(checkout, 'nest-cli.json', configuration.replace('"typeCheck": true', '"typeCheck": false'));
      const port = String(await freePort());
      const url = `http://127.0.0.1:${port}`;
      const child = spawn('npm', ['run', 'start:dev', '--', '--host', '127.0.0.1', '--port', port], {
        cwd: checkout,
        stdio: 'ignore',
      });
      try {
        await answersVersion(url, '9.9.6');
        await answersChangedConsole(checkout, url);
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

describe('--reload in a checkout', () => {
  const MAIN = 'src/main.ts';

  /** Sources that print a version and start the built server: they are compiled in no time. */
  const withVersion = (version: string): string => `
    process.stdout.write('version ${version}\\n');
    // Otherwise the server does not use its compiled code.
    process.setSourceMapsEnabled(false);
    const server: string = ${JSON.stringify(path.join(ROOT, 'dist/current/bundle/main.js'))};
    await import(server);
  `;

  let checkout: string;
  let server: ServerProcess;
  beforeAll(async () => {
    checkout = await copyCheckout({ [MAIN]: withVersion('9.9.0') });
  });
  beforeEach(async () => {
    await save(checkout, MAIN, withVersion('9.9.0'));
    server = await startReloading(checkout);
  });
  afterEach(() => server.stop());
  afterAll(() => rm(checkout, { recursive: true, force: true }));

  const isReady = async (): Promise<boolean> => (await server.request('GET', '/ready')).status === 200;

  async function restarts(version: string): Promise<void> {
    await eventually(() => server.log.includes(`version ${version}\n`), `version ${version}`, BUILT_MS);
    await eventually(() => isReady().catch(() => false), 'the start', BUILT_MS);
  }

  it(
    'restarts when a source changes, and keeps every conversation',
    async () => {
      const script = 'RUN: echo before\nWAIT: 60\nFINISH: done';
      const conversation = await ConversationClient.create(server, scriptedRequest(server.cwd, script));
      const socket = await conversation.listen();
      await socket.sees(({ kind }) => kind === 'ObservationEvent');

      for (const version of ['9.9.1', '9.9.2']) {
        await save(checkout, MAIN, withVersion(version));
        await restarts(version);
      }
      expect(socket.closeCode).toBe(1012);
      expect(await conversation.status()).toBe('paused');
      await conversation.send('FINISH: after', false);
      expect((await conversation.events()).filter(({ kind }) => kind === 'ObservationEvent')).toHaveLength(1);

      // One supervisor keeps one folder of builds, and removes it at the end.
      expect(await buildFolders(checkout)).toHaveLength(1);
      expect(await server.end()).toBe(0);
      expect(await isDown(server.url)).toBe(true);
      await server.logs('SIGTERM: closing sockets');
      expect(await buildFolders(checkout)).toEqual([]);
    },
    LONGEST_MS,
  );

  it(
    'keeps the server running while a source does not compile',
    async () => {
      await save(checkout, MAIN, 'export const API_VERSION = ;');
      await server.logs('the server continues unchanged');
      await server.logs('Expression expected');
      expect(await isReady()).toBe(true);
      await save(checkout, MAIN, withVersion('9.9.3'));
      await restarts('9.9.3');
    },
    LONGEST_MS,
  );

  it(
    'waits for the next change when the changed server does not start, and notices new files',
    async () => {
      await save(checkout, MAIN, `import './fault.js';\n${withVersion('9.9.4')}`);
      await server.logs('waiting for a change');
      expect(await isDown(server.url)).toBe(true);
      await save(checkout, 'src/fault.ts', 'export {};');
      await restarts('9.9.4');
      await rm(path.join(checkout, 'src/fault.ts'));
    },
    LONGEST_MS,
  );

  it('leaves no server behind when its supervisor is killed', async () => {
    expect(await server.end('SIGKILL')).toBe('SIGKILL');
    await eventually(() => isDown(server.url), 'the end of the server');
  });

  it(
    'leaves no server behind when its supervisor is killed while the server starts',
    async () => {
      const untilKilled = 'while (process.connected) await new Promise((done) => setTimeout(done, 20));';
      const pid = "process.stdout.write('process ' + process.pid + '\\n');";
      await save(checkout, MAIN, `${pid}\n${untilKilled}\n${withVersion('9.9.5')}`);
      await server.logs(/process \d+\n/);
      expect(await server.end('SIGKILL')).toBe('SIGKILL');
      const starting = Number(/process (\d+)\n/.exec(server.log)?.[1]);
      await eventually(() => !isAlive(starting), 'the end of the server', BUILT_MS);
    },
    LONGEST_MS,
  );
});

describe('--reload without sources', () => {
  let folder: string;
  let main: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'installed-'));
    for (const name of ['dist/main.js', 'package.json'])
      await writeFiles(folder, { [name]: await readFile(path.join(ROOT, name)) });
    await linkTree(path.join(ROOT, 'dist/current/bundle'), path.join(folder, 'dist/bundle'));
    // Packages that are not in the bundle.
    await symlink(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
    main = path.join(folder, 'dist/main.js');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it(
    'restarts when the built server is replaced',
    async () => {
      const args = ['--reload', '--port', String(await freePort())];
      const server = await ServerProcess.start({ main, args });
      try {
        for (const name of await readdir(path.join(folder, 'dist/bundle'))) {
          if (!name.endsWith('.cjs')) continue;
          const text = await readFile(path.join(folder, 'dist/bundle', name), 'utf8');
          const changed = text.replaceAll('"1.58.2"', '"9.9.50"');
          if (changed !== text) await save(folder, `dist/bundle/${name}`, changed);
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
      ServerProcess.start({ main, args: ['--reload'], env: { OH_MAX_CONCURRENT_RUNS: '0' } }),
    ).rejects.toThrow('max_concurrent_runs: expected a whole number');
  });
});
