import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer, type AddressInfo, type Server as NetServer } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { copyCheckout, linkTree, ROOT } from '../support/checkout.js';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';

const run = promisify(execFile);

/** The time limit of tests that build (ms); a build takes 2 s on an idle machine. */
const BUILD_TIMEOUT_MS = 300_000;

const PROGRAM = 'src/program.ts';

/**
 * Prints its arguments, or serves on `--port` what `scripts/code-cache.mjs` asks for. What is tested is how
 * builds are made and kept; `npm test` has made one of the whole server.
 */
const SMALL_PROGRAM = `
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { WebSocketServer } from 'ws';

export async function run(args: readonly string[]): Promise<void> {
  const { port } = parseArgs({ args: [...args], strict: false, options: { port: { type: 'string' } } }).values;
  if (port === undefined) {
    process.stdout.write(JSON.stringify(args) + '\\n');
    return;
  }
  const server = createServer((_request, response) => {
    response.end('{"id":"1","execution_status":"finished"}');
  }).listen(Number(port));
  new WebSocketServer({ server }).on('connection', (socket) => socket.send('{}'));
  process.once('SIGTERM', () => process.exit());
}
`;

let checkout: string;
/** Runs the first build of the copy. The tests build beside it, one after the other. */
let server: ServerProcess;
/** The build of this checkout, which is the first one of the copy. */
let used: string;
beforeAll(async () => {
  checkout = await copyCheckout({
    ...(await sourcesOf('src/main.ts', 'src/cli/code-cache.ts')),
    [PROGRAM]: SMALL_PROGRAM,
  });
  used = await useAsBuild(path.join(checkout, 'dist/bundle'));
  server = await ServerProcess.start({ main: path.join(checkout, 'dist/main.js') });
});
afterAll(async () => {
  await server.stop();
  await rm(checkout, { recursive: true, force: true });
});

async function sourcesOf(...names: string[]): Promise<Record<string, string>> {
  const texts = names.map(async (name) => [name, await readFile(path.join(ROOT, name), 'utf8')] as const);
  return Object.fromEntries(await Promise.all(texts));
}

/** Makes a bundle the current build of the sources as they are. @returns its id */
async function useAsBuild(bundle: string): Promise<string> {
  const print = "import('./scripts/builds.mjs').then(async (m) => console.log(await m.idOfSources()))";
  const { stdout } = await run(process.execPath, ['-e', print], { cwd: checkout });
  const id = stdout.trim();
  await mkdir(path.join(checkout, 'dist/builds', id, 'users'), { recursive: true });
  await linkTree(bundle, path.join(checkout, 'dist/builds', id, 'bundle'));
  await symlink(path.join('builds', id), path.join(checkout, 'dist/current'));
  return id;
}

/** Changes the sources of the copy, so that another build is needed. */
async function change(what: string): Promise<void> {
  await writeFile(path.join(checkout, PROGRAM), `${SMALL_PROGRAM}\n// ${what}\n`);
}

interface Start {
  child: ChildProcess;
  /** What it has written so far. */
  written: { stdout: string; stderr: string };
}

/** Begins `npm start` in the copy, without npm's own lines. */
function beginStart(args: string[], env: Record<string, string> = {}): Start {
  return begin('npm', ['start', '--silent', '--', ...args], env);
}

/** Begins what `npm start` runs. npm itself takes as much CPU as the rest of a start without a build. */
async function beginScript(args: string[]): Promise<Start> {
  const { scripts } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as {
    scripts: { start: string };
  };
  return begin('sh', ['-c', `${scripts.start} "$@"`, 'sh', ...args]);
}

function begin(program: string, args: string[], env: Record<string, string> = {}): Start {
  const options = { cwd: checkout, env: { ...process.env, ...env } };
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const written = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (written.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (written.stderr += chunk.toString()));
  return { child, written };
}

async function ended({ child, written }: Start) {
  await once(child, 'close');
  return { code: child.exitCode, ...written };
}

async function start(...args: string[]) {
  return ended(await beginScript(args));
}

async function builds(): Promise<string[]> {
  return (await readdir(path.join(checkout, 'dist/builds'))).sort();
}

async function currentBuild(): Promise<string> {
  return path.basename(await readlink(path.join(checkout, 'dist/current')));
}

/** @param name below `dist/` */
function isThere(name: string): Promise<boolean> {
  return stat(path.join(checkout, 'dist', name)).then(
    () => true,
    () => false,
  );
}

/** What the small program prints. */
function printed(...args: string[]): string {
  return `${JSON.stringify(args)}\n`;
}

/** A step of a build that has started a process, and ends only by a signal. */
const ENDLESS_STEP = `
import { spawn } from 'node:child_process';
spawn(process.execPath, ['-e', 'setInterval(() => {}, 60_000)', process.argv[2]], { stdio: 'ignore' });
`;

/** The command lines of all steps of a build and of what they have started. */
async function processesOfBuilds(): Promise<string[]> {
  const { stdout } = await run('ps', ['-A', '-o', 'args']);
  return stdout.split('\n').filter((line) => line.includes(`${checkout}/dist/builds/`));
}

const BUILT = /^building \(the sources have changed\) \.\.\. done in [\d.]+ s\n$/;

describe('npm start', () => {
  const nobody = { npm_config_registry: 'http://127.0.0.1:1', npm_config_fetch_retries: '0' };
  /** Has a port, so that nothing else can listen on it. */
  let other: NetServer;
  let address: string[];
  beforeAll(async () => {
    other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    address = ['--host', '127.0.0.1', '-p', String((other.address() as AddressInfo).port)];
  });
  afterAll(() => other.close());

  it('starts the current build without a word while the sources are the same', async () => {
    const help = await ended(beginStart(['--help']));
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toMatch(/^Usage: openhands-agent-server/);
    const configuration = await start('--check-config');
    expect(JSON.parse(configuration.stdout)).toMatchObject({ max_concurrent_runs: 10 });
    const version = await start('-v');
    expect(version).toMatchObject({ code: 0, stderr: '' });
    expect(version.stdout).toMatch(/^[\d.]+\n$/);
    expect(await currentBuild()).toBe(used);
  });

  it('fetches the web UI whether or not the port is taken', async () => {
    const fetching = await ended(beginStart(['--fetch-ui', ...address], nobody));
    expect(fetching.stderr).toContain('npm cannot fetch');
  });

  it('says that the port is taken before it builds', async () => {
    await change('a taken port');
    const before = await builds();
    expect(await start(...address)).toEqual({
      code: 1,
      stdout: '',
      stderr:
        `openhands-agent-server: port ${address[3]} on 127.0.0.1 is in use: ` +
        'stop the other program or choose another port with --port\n',
    });
    expect(await builds()).toEqual(before);
  });

  it(
    'builds when the content of a source has changed, says so in one line on stderr, and then not again',
    async () => {
      await change('npm start');
      // Two at the same time do no harm. Neither needs the port.
      const both = [start('--check-config', ...address), start('--fetch-ui', ...address)] as const;
      const [first, second] = await Promise.all(both);
      expect(first.stderr).toMatch(BUILT);
      expect(JSON.parse(first.stdout)).toEqual(['--check-config', ...address]);
      expect(second).toMatchObject({ code: 0, stdout: printed('--fetch-ui', ...address) });
      expect((await builds()).filter((name) => name.includes('.'))).toEqual([]);
      const built = await currentBuild();
      expect(built).not.toBe(used);

      const touched = new Date();
      await utimes(path.join(checkout, PROGRAM), touched, touched);
      expect(await start('--help')).toEqual({ code: 0, stdout: printed('--help'), stderr: '' });
      expect(await currentBuild()).toBe(built);
    },
    BUILD_TIMEOUT_MS,
  );

  it.each(['main.js', 'bundle', 'current/bundle'])(
    'repairs the current build when dist/%s is missing',
    async (name) => {
      await rm(path.join(checkout, 'dist', name), { recursive: true });
      expect(await start('--version')).toMatchObject({ code: 0 });
      expect(await isThere(name)).toBe(true);
      expect(await start('--version')).toMatchObject({ code: 0, stderr: '' });
    },
    BUILD_TIMEOUT_MS,
  );

  it(
    'leaves neither files nor processes when a signal ends it during a build',
    async () => {
      const step = path.join(checkout, 'scripts/code-cache.mjs');
      const original = await readFile(step, 'utf8');
      await writeFile(step, ENDLESS_STEP);
      try {
        const before = await builds();
        const { child, written } = await beginScript(['--version']);
        const hasBegun = async () => (await processesOfBuilds()).length === 4;
        await eventually(hasBegun, 'two last steps with a process each', BUILD_TIMEOUT_MS);
        child.kill('SIGTERM');
        const { stdout, stderr } = await ended({ child, written });
        expect([stdout, stderr.includes('failed')]).toEqual(['', false]);
        expect(await builds()).toEqual(before);
        await eventually(async () => (await processesOfBuilds()).length === 0, 'the end of all steps');
      } finally {
        await writeFile(step, original);
      }
    },
    BUILD_TIMEOUT_MS,
  );

  it(
    'shows the error of sources that do not compile, and keeps the former build',
    async () => {
      const before = await currentBuild();
      await writeFile(path.join(checkout, PROGRAM), 'export const run = ;');
      const { code, stdout, stderr } = await start('--help');
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toContain('failed\n');
      expect(stderr).toContain('Expression expected');
      expect(await currentBuild()).toBe(before);
      expect((await builds()).filter((name) => name.includes('.'))).toEqual([]);
    },
    BUILD_TIMEOUT_MS,
  );
});

describe('scripts/build.mjs', () => {
  it(
    'builds when it is called through a symbolic link',
    async () => {
      await change('a link');
      const link = `${checkout}-link`;
      await symlink(checkout, link);
      try {
        const before = await currentBuild();
        await run(process.execPath, [path.join(link, 'scripts/build.mjs')]);
        expect(await currentBuild()).not.toBe(before);
      } finally {
        await rm(link);
      }
    },
    BUILD_TIMEOUT_MS,
  );

  // Only root can become another user.
  (process.getuid?.() === 0 ? it : it.skip)('says who can build when it cannot write', async () => {
    await change('another user');
    const nobody = { uid: 65_534, gid: 65_534 };
    await chmod(checkout, 0o755);
    const building = run(process.execPath, ['scripts/build.mjs'], { cwd: checkout, ...nobody });
    const { stderr } = await building.catch((error: unknown) => error as { stderr: string });
    expect(stderr).toMatch(/failed\nEACCES: .*\nBuild as the user who owns this checkout, .*\n$/);
  });
});

describe('a server beside which two builds have been made', () => {
  /** An endpoint that refuses every call, and the routes that were called. */
  let endpoint: Server;
  const called: string[] = [];
  beforeAll(async () => {
    endpoint = createHttpServer((request, response) => {
      called.push(request.url ?? '');
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":{"message":"no"}}');
    }).listen(0, '127.0.0.1');
    await once(endpoint, 'listening');
  });
  afterAll(() => {
    endpoint.closeAllConnections();
    endpoint.close();
  });

  const url = () => `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}`;

  it('still has its own build', async () => {
    // It is neither the current one nor the one before.
    expect((await builds()).filter((name) => name !== used)).toHaveLength(2);
    expect(await builds()).toContain(used);
  });

  it.each(['/openapi.json', '/docs', '/docs/assets/swagger-ui.css'])('answers %s', async (route) => {
    expect((await server.request('GET', route)).status).toBe(200);
  });

  it.each([
    ['openai/gpt-4o', /^\/base\/chat\/completions/, {}],
    ['openai/gpt-5', /^\/base\/responses/, {}],
    ['anthropic/claude-sonnet-4-5', /^\/base\/.*messages/, {}],
    ['gemini/gemini-2.5-pro', /^\/base\/.*generateContent/i, {}],
    ['ollama_chat/qwen3', /^\/base\/api\/chat/, {}],
    [
      'bedrock/anthropic.claude-opus-4-8',
      /^\/model\/.*converse/,
      { aws_region_name: 'eu-central-1', aws_access_key_id: 'a', aws_secret_access_key: 'b' },
    ],
  ])('calls %s', async (model, route, more) => {
    const request = scriptedRequest(server.cwd, 'hello');
    const address = { base_url: `${url()}/base`, aws_bedrock_runtime_endpoint: url() };
    const llm = { ...request.agent.llm, model, api_key: 'key', num_retries: 0, ...address, ...more };
    await ConversationClient.create(server, { ...request, agent: { ...request.agent, llm } });
    await eventually(() => called.some((path) => route.test(path)), `a call among ${called.join(' ')}`);
  });

  it(
    'leaves its build to the next one when it has ended',
    async () => {
      await server.end();
      await change('after the end');
      expect((await start('--version')).stderr).toMatch(BUILT);
      expect(await builds()).toHaveLength(2);
      expect(await builds()).not.toContain(used);
    },
    BUILD_TIMEOUT_MS,
  );
});
