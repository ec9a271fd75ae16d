import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { readDockerfile, type Dockerfile } from '../support/dockerfile.js';
import { freePort } from '../support/free-port.js';
import { rawRequest } from '../support/raw-request.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { writeFiles } from '../support/write-files.js';
import { ROOT } from '../support/checkout.js';

const run = promisify(execFile);

/** The folder that replaces `/` of the container: program in `opt/agent-server`, volume in `workspace`. */
let container: string;
let program: string;
let dockerfile: Dockerfile;
/** The user of the image, when the test can run as one. */
let user: { uid: number; gid: number } | undefined;
beforeAll(async () => {
  container = await mkdtemp(path.join(os.tmpdir(), 'container-'));
  await chmod(container, 0o755);
  program = path.join(container, 'opt/agent-server');
  dockerfile = await readDockerfile();
  // `npm ci` and `npm run build` have been run before the tests.
  expect(dockerfile.steps.slice(0, 2)).toEqual(['npm ci --no-audit --no-fund', 'npm run build']);
  const [command = '', script = '', target] = dockerfile.steps[2]?.split(' ') ?? [];
  expect([command, target]).toEqual(['node', '/opt/agent-server']);
  await run(process.execPath, [path.join(ROOT, script), program]);
  await mkdir(path.join(container, 'workspace'));
  user = await imageUser();
  if (user !== undefined) await chown(path.join(container, 'workspace'), user.uid, user.gid);
});
afterAll(() => rm(container, { recursive: true, force: true }));

/** Root can run as any user that can execute this Node. */
async function imageUser(): Promise<{ uid: number; gid: number } | undefined> {
  const node = { uid: 1000, gid: 1000 };
  return run(process.execPath, ['--version'], { ...node, cwd: '/' }).then(
    () => node,
    () => undefined,
  );
}

/** A path or an argument of the Dockerfile, moved into the folder that replaces `/`. */
function inside(text: string): string {
  return text.replace(/^\/(?=opt|workspace)/, `${container}/`);
}

describe('the production installation', () => {
  it('installs no development packages and less than 45 MB', async () => {
    expect((await readdir(path.join(program, 'node_modules'))).sort()).toEqual(
      ['@lydell', '@vscode', 'playwright-core', 'ws'].sort(),
    );
    const files = await readdir(program, { recursive: true });
    const sizes = await Promise.all(files.map(async (file) => (await stat(path.join(program, file))).size));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(45e6);
  });

  it('has a current code cache for the options of `npm start`', async () => {
    const bundle = path.join(program, 'dist/bundle');
    const changed = async (name: string) => (await stat(path.join(bundle, name))).mtimeMs;
    const caches = (await readdir(bundle)).filter((name) => name.endsWith('.cache'));
    for (const cache of caches) {
      const file = cache.replace(/(?<=\.cjs)\..*$/, '');
      expect(await changed(cache)).toBeGreaterThanOrEqual(await changed(file));
    }
    const { scripts } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const { node } = dockerfile.start;
    expect(scripts['start']).toBe(`exec ${node.join(' ')} scripts/start.mjs`);
    const tag = await run(process.execPath, [...node.slice(1), '-p', 'v8.cachedDataVersionTag()']);
    expect(caches).toContainEqual(expect.stringMatching(`^program\\.cjs\\..*-${tag.stdout.trim()}\\.cache$`));
  });

  it('the production installation can import everything that is loaded on demand: model providers, the API document', async () => {
    const bundle = path.join(program, 'dist/bundle');
    const parts = (await readdir(bundle)).filter((name) => name.endsWith('.cjs'));
    const code = parts.map((name) => `await import(${JSON.stringify(path.join(bundle, name))});`).join('');
    await run(process.execPath, ['--input-type=module', '-e', `${code} process.exit(0);`], {
      cwd: container,
    });
    expect(parts.length).toBeGreaterThan(10);
  });

  it('refuses to install into a folder that is not empty', async () => {
    const installing = run(process.execPath, [path.join(ROOT, 'scripts/install-production.mjs'), program]);
    await expect(installing).rejects.toThrow('is not empty');
  });
});

describe('the web UI beside an installed program', () => {
  let ui: string;
  let cwd: string;
  beforeEach(async () => {
    ui = path.join(program, 'web-ui');
    cwd = await mkdtemp(path.join(os.tmpdir(), 'installed-ui-'));
    await writeFiles(ui, { 'agent-canvas-1.20.0/build/index.html': '<html><head></head>fetched</html>' });
  });
  afterEach(() => Promise.all([ui, cwd].map((folder) => rm(folder, { recursive: true, force: true }))));

  /** The page at `/`, or where it leads. */
  async function pageOf(env: Record<string, string>, args: string[] = []): Promise<string> {
    const server = await ServerProcess.start({ main: path.join(program, 'dist/main.js'), cwd, env, args });
    try {
      const { headers, text } = await rawRequest(server.url, { headers: { accept: 'text/html' } });
      return headers.location ?? text;
    } finally {
      await server.stop();
    }
  }

  it('serves the fetched web UI without options, unless it is told otherwise', async () => {
    const unset = { OH_UI_PATH_IS_NONE: '' };
    expect(await pageOf(unset)).toContain('fetched');
    await writeFiles(cwd, { 'mine/index.html': '<html><head></head>mine</html>' });
    expect(await pageOf({ OH_UI_PATH: 'mine' })).toContain('mine');
    expect(await pageOf(unset, ['--ui', 'mine'])).toContain('mine');
    for (const without of [{ ...unset, OH_STATIC_FILES_PATH: 'mine' }, { OH_UI_PATH_IS_NONE: '1' }])
      expect(await pageOf(without)).not.toContain('fetched');
    expect(await pageOf(unset, ['--no-ui'])).toBe('console/');
  });

  it('starts without the fetched web UI when that is damaged', async () => {
    await rm(path.join(ui, 'agent-canvas-1.20.0/build/index.html'));
    expect(await pageOf({ OH_UI_PATH_IS_NONE: '' })).toBe('console/');
  });
});

describe('the container', () => {
  function start(port: string, env: Record<string, string>, key?: string): Promise<ServerProcess> {
    const environment: Record<string, string> = {};
    for (const [name, value] of Object.entries(dockerfile.environment)) environment[name] = inside(value);
    const { node, main, args } = dockerfile.start;
    const [, ...nodeOptions] = node;
    return ServerProcess.start({
      nodeOptions,
      main: inside(main),
      cwd: container,
      host: null,
      env: { ...environment, ...env },
      args: args.map((arg) => (arg === '8000' ? port : arg)),
      key,
      user,
    });
  }

  async function isHealthy(port: string): Promise<boolean> {
    const [, ...check] = dockerfile.healthCheck.map((part) => part.replace('8000', port));
    return run(process.execPath, check).then(
      () => true,
      () => false,
    );
  }

  it('starts the container, passes the health check, runs a conversation on the volume and stops in order', async () => {
    const port = String(await freePort());
    const server = await start(port, { SESSION_API_KEY: 'key', OH_SECRET_KEY: 'secret' }, 'key');
    try {
      expect(await isHealthy(port)).toBe(true);
      for (const route of [
        '/console/',
        '/docs/assets/swagger-ui.css',
        '/guides/README.md',
        '/guides/docs/README.md',
      ])
        expect([route, (await server.request('GET', route)).status]).toEqual([route, 200]);
      const script =
        'RUN: git --version > version && id -u >> version && cat version\nWAIT: 60\nFINISH: done';
      const conversation = await ConversationClient.create(
        server,
        scriptedRequest('workspace/project', script),
      );
      const kinds = async () => (await conversation.events()).map(({ kind }) => kind);
      await eventually(async () => (await kinds()).includes('ObservationEvent'), 'the observation');

      // After 10 s it would exit with 1.
      expect(await server.end()).toBe(0);
      expect(await isHealthy(port)).toBe(false);
      const output = await readFile(path.join(container, 'workspace/project/version'), 'utf8');
      expect(output).toMatch(new RegExp(`^git version .*\\n${user?.uid ?? process.getuid?.() ?? ''}\\n$`));
      const stored = await readdir(path.join(container, 'workspace/conversations'));
      expect(stored.sort()).toEqual(['.usage', conversation.id.replaceAll('-', '')]);
    } finally {
      await server.stop();
    }
    // Nothing is written outside of the volume.
    expect((await readdir(container)).sort()).toEqual(['opt', 'workspace']);
  });

  it('serves only local clients without a key, and passes the health check', async () => {
    const port = String(await freePort());
    const server = await start(port, {});
    try {
      await server.logs('access: this machine only, without a key');
      expect(await isHealthy(port)).toBe(true);
      const other = Object.values(os.networkInterfaces())
        .flat()
        .find((address) => address !== undefined && !address.internal && address.family === 'IPv4');
      if (other !== undefined)
        expect((await fetch(`http://${other.address}:${port}/alive`)).status).toBe(403);
    } finally {
      await server.stop();
    }
  });
});
