import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readdir, readFile, readlink, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { copyCheckout } from '../support/checkout.js';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';

/** The time limit of tests that build (ms); a build takes 5 to 10 s on an idle machine. */
const BUILD_TIMEOUT_MS = 300_000;

const VERSION = 'src/server/version.ts';

let checkout: string;
let original: string;
/** Runs the first build of the copy. The tests build beside it, one after the other. */
let server: ServerProcess;
let used: string;
beforeAll(async () => {
  checkout = await copyCheckout();
  original = await readFile(path.join(checkout, VERSION), 'utf8');
  used = await currentBuild();
  server = await ServerProcess.start({ main: path.join(checkout, 'dist/main.js') });
});
afterAll(async () => {
  await server.stop();
  await rm(checkout, { recursive: true, force: true });
});

/** Changes the sources of the copy, so that another build is needed. */
async function change(what: string): Promise<void> {
  await writeFile(path.join(checkout, VERSION), `${original}\n// ${what}\n`);
}

interface Start {
  child: ChildProcess;
  /** What it has written so far. */
  written: { stdout: string; stderr: string };
}

/** Begins `npm start` in the copy, without npm's own lines. */
function beginStart(args: string[], env: Record<string, string> = {}): Start {
  const child = spawn('npm', ['start', '--silent', '--', ...args], {
    cwd: checkout,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const written = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (written.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (written.stderr += chunk.toString()));
  return { child, written };
}

async function ended({ child, written }: Start) {
  await once(child, 'close');
  return { code: child.exitCode, ...written };
}

function npmStart(...args: string[]) {
  return ended(beginStart(args));
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

const BUILT = /^building \(the sources have changed\) \.\.\. done in [\d.]+ s\n$/;

describe('npm start', () => {
  it(
    'builds when the content of a source has changed, says so in one line on stderr, and then not again',
    async () => {
      const before = await currentBuild();
      expect(await npmStart('--help')).toMatchObject({ code: 0, stderr: '' });

      await change('npm start');
      // Two at the same time do no harm.
      const [first, second] = await Promise.all([npmStart('--check-config'), npmStart('--version')]);
      expect(first.stderr).toMatch(BUILT);
      expect(JSON.parse(first.stdout)).toMatchObject({ max_concurrent_runs: 10 });
      expect(second).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[\d.]+\n$/) as string });
      expect((await builds()).filter((name) => name.includes('.'))).toEqual([]);
      const built = await currentBuild();
      expect(built).not.toBe(before);

      const touched = new Date();
      await utimes(path.join(checkout, VERSION), touched, touched);
      const help = await npmStart('--help');
      expect(help).toMatchObject({ code: 0, stderr: '' });
      expect(help.stdout).toMatch(/^Usage: openhands-agent-server/);
      const version = await npmStart('-v');
      expect(version).toMatchObject({ code: 0, stderr: '' });
      expect(version.stdout).toMatch(/^[\d.]+\n$/);
      expect(await currentBuild()).toBe(built);
    },
    BUILD_TIMEOUT_MS,
  );

  it.each(['main.js', 'bundle', 'current/bundle'])(
    'repairs the current build when dist/%s is missing',
    async (name) => {
      await rm(path.join(checkout, 'dist', name), { recursive: true });
      expect(await npmStart('--version')).toMatchObject({ code: 0 });
      expect(await isThere(name)).toBe(true);
      expect(await npmStart('--version')).toMatchObject({ code: 0, stderr: '' });
    },
    BUILD_TIMEOUT_MS,
  );

  it(
    'fetches the web UI whether or not the port is taken',
    async () => {
      const other = createServer().listen(0, '127.0.0.1');
      await once(other, 'listening');
      try {
        const port = String((other.address() as AddressInfo).port);
        const nobody = { npm_config_registry: 'http://127.0.0.1:1', npm_config_fetch_retries: '0' };
        const fetching = beginStart(['--fetch-ui', '--host', '127.0.0.1', '-p', port], nobody);
        expect((await ended(fetching)).stderr).toContain('npm cannot fetch');
      } finally {
        other.close();
      }
    },
    BUILD_TIMEOUT_MS,
  );

  it('says that the port is taken before it builds', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    try {
      await change('a taken port');
      const before = await builds();
      const port = String((other.address() as AddressInfo).port);
      expect(await npmStart('--host', '127.0.0.1', '-p', port)).toEqual({
        code: 1,
        stdout: '',
        stderr:
          `openhands-agent-server: port ${port} on 127.0.0.1 is in use: ` +
          'stop the other program or choose another port with --port\n',
      });
      expect(await builds()).toEqual(before);
    } finally {
      other.close();
    }
  });

  it(
    'leaves neither files nor processes when a signal ends it during a build',
    async () => {
      await change('a signal');
      const before = await builds();
      const start = beginStart(['--version']);
      const beginning = async () => (await builds()).find((name) => !before.includes(name));
      const isBundling = async () => {
        const folder = await beginning();
        return folder !== undefined && (await isThere(`builds/${folder}/bundle`));
      };
      await eventually(isBundling, 'the bundle', BUILD_TIMEOUT_MS);
      start.child.kill('SIGTERM');
      const { stdout: answer, stderr } = await ended(start);
      expect([answer, stderr.includes('failed')]).toEqual(['', false]);
      expect(await builds()).toEqual(before);
      const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'args']);
      expect(stdout.split('\n').filter((line) => line.includes(`${checkout}/dist/builds/`))).toEqual([]);
    },
    BUILD_TIMEOUT_MS,
  );

  it(
    'shows the error of sources that do not compile, and keeps the former build',
    async () => {
      const before = await currentBuild();
      await writeFile(path.join(checkout, VERSION), 'export const API_VERSION = ;');
      const { code, stdout, stderr } = await npmStart('--help');
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
  const run = promisify(execFile);

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
      expect((await npmStart('--version')).stderr).toMatch(BUILT);
      expect(await builds()).toHaveLength(2);
      expect(await builds()).not.toContain(used);
    },
    BUILD_TIMEOUT_MS,
  );
});
