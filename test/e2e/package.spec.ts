import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { PackageRegistry, type Manifest } from '../support/package-registry.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { ROOT } from '../support/checkout.js';

const run = promisify(execFile);
/** npm packs, unpacks and writes thousands of files, which takes long on a busy machine. */
const INSTALLATION_MS = 180_000;

/** Packages that the bundle requires only where they are installed, or names in code that it generates. */
const OPTIONAL = [
  'pg-native',
  '@aws-sdk/signature-v4a',
  '@fastify/static',
  '@nestjs/microservices',
  '@nestjs/platform-socket.io',
  'ajv',
  'ajv-formats',
];

/** What `npm publish --json` says. */
interface Published {
  size: number;
  unpackedSize: number;
  files: { path: string }[];
}

/** The home of the user who publishes and installs. */
let home: string;
let registry: PackageRegistry;
let npm: Record<string, string>;
let manifest: Manifest;
let published: Published;
let warnings: string;
beforeAll(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'package-'));
  registry = await PackageRegistry.start(ROOT);
  npm = { PATH: `${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}`, HOME: home };
  Object.assign(npm, registry.environment(home));
  manifest = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as Manifest;
  // The build has been run before the tests.
  const publishing = run('npm', ['publish', '--json', '--ignore-scripts'], { cwd: ROOT, env: npm });
  const { stdout, stderr } = await publishing;
  // npm 11 names the package first.
  const said = JSON.parse(stdout) as Published & Record<string, Published>;
  published = said[manifest.name] ?? said;
  warnings = stderr;
}, INSTALLATION_MS);
afterAll(async () => {
  await registry.stop();
  await rm(home, { recursive: true, force: true });
});

/** All texts in a JSON value. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

async function newFolder(name: string): Promise<string> {
  const folder = path.join(home, name);
  await mkdir(folder);
  return folder;
}

describe('npm publish', () => {
  it('publishes the package without a warning', () => {
    expect(warnings.split('\n').filter((line) => /^npm (?!notice)/.test(line))).toEqual([]);
  });

  it('packs the bundle with its licences and documents, and nothing of this machine', () => {
    const paths = published.files.map((file) => file.path);
    expect(paths).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'README.md',
        'dist/main.js',
        'dist/bundle/program.cjs',
        'dist/bundle/LICENSES.txt',
        'dist/bundle/console/index.html',
        'dist/bundle/console/LICENSES.txt',
        'docs/README.md',
        'examples/watch.mjs',
      ]),
    );
    expect(
      paths.filter((name) => /\.(map|cache)$|^(src|test|scripts|bench|workspace|secrets)\//.test(name)),
    ).toEqual([]);
    expect(published.size).toBeLessThan(4.6e6);
  });

  it('packs each file that package.json names', () => {
    const paths = published.files.map((file) => file.path);
    const named = textsIn([manifest['bin'], manifest['types'] ?? [], manifest['exports'] ?? []]);
    expect(named).toContain('dist/main.js');
    expect(named.map((name) => path.normalize(name)).filter((name) => !paths.includes(name))).toEqual([]);
  });
});

describe('the bundle', () => {
  it('requires exactly the packages that package.json declares', async () => {
    const bundle = path.join(ROOT, 'dist/bundle');
    const required = new Set<string>();
    for (const name of await readdir(bundle)) {
      if (!name.endsWith('.cjs')) continue;
      const code = await readFile(path.join(bundle, name), 'utf8');
      const packages = code.matchAll(/\brequire\(["']((?:@[\w.-]+\/)?[\w-][\w.-]*)(?:\/[^"']*)?["']\)/g);
      for (const [, one = ''] of packages) if (!isBuiltin(one) && !OPTIONAL.includes(one)) required.add(one);
    }
    expect([...required].sort()).toEqual(Object.keys(manifest.dependencies ?? {}).sort());
  });
});

describe('the published package', () => {
  /** Installs it, as `npm install` in a project does. */
  async function install(name: string): Promise<string> {
    const folder = await newFolder(name);
    await run('npm', ['install', manifest.name], { cwd: folder, env: npm });
    return path.join(folder, 'node_modules');
  }

  it(
    'runs a conversation with `npx` in an empty folder',
    async () => {
      const cwd = await newFolder('npx');
      const [program, ...args] = ['npx', '--yes', manifest.name] as const;
      // The first call installs it.
      const { stdout } = await run(program, [...args, '--version'], { cwd, env: npm });
      expect(stdout).toBe(`${manifest.version}\n`);
      // Ctrl-C in a terminal: `npx` itself does not pass signals on.
      const command = [program, ...args];
      const server = await ServerProcess.start({ command, group: true, cwd, env: npm });
      try {
        const script = 'RUN: echo hello > hello.txt && wc -c < hello.txt\nFINISH: done';
        const conversation = await ConversationClient.create(
          server,
          scriptedRequest('workspace/project', script),
        );
        expect(await conversation.reaches('finished', 'error')).toBe('finished');
        expect(await readFile(path.join(cwd, 'workspace/project/hello.txt'), 'utf8')).toBe('hello\n');
        for (const route of [
          ...['/docs', '/docs/assets/swagger-ui-bundle.js', '/openapi.json'],
          '/console/conversations/1',
          ...['/guides/README.md', '/guides/CHANGELOG.md', '/guides/docs/README.md'],
        ])
          expect([route, (await server.request('GET', route)).status]).toEqual([route, 200]);
        await server.end('SIGINT');
        const isServed = () => server.request('GET', '/health').then(Boolean, () => false);
        await eventually(async () => !(await isServed()), 'the end of the server');
      } finally {
        await server.stop();
      }
      expect(await readdir(cwd)).toEqual(['workspace']);
      expect(registry.undeclared).toEqual([]);
    },
    INSTALLATION_MS,
  );

  it(
    'installs only its declared packages, and each of its files loads with them',
    async () => {
      const modules = await install('project');
      const installed = await readdir(modules);
      const declared = Object.keys(manifest.dependencies ?? {}).map((name) => name.split('/')[0] ?? '');
      expect(installed.filter((name) => !name.startsWith('.')).sort()).toEqual(
        [...new Set([manifest.name, ...declared])].sort(),
      );
      const bundle = path.join(modules, manifest.name, 'dist/bundle');
      const parts = (await readdir(bundle)).filter((name) => name.endsWith('.cjs'));
      expect(parts.length).toBeGreaterThan(10);
      const code = parts.map((name) => `await import(${JSON.stringify(path.join(bundle, name))});`).join('');
      await run(process.execPath, ['--input-type=module', '-e', `${code} process.exit(0);`], {
        cwd: modules,
      });
    },
    INSTALLATION_MS,
  );
});
