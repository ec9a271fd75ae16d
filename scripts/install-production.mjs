// Installs the server from a built checkout (`npm ci && npm run build`) into an empty folder: the bundle, the
// few packages that are not bundled, and the guides. Needs no network, dev dependencies or install scripts.
// Usage: node scripts/install-production.mjs <folder>, then node <folder>/dist/main.js with the Node options
// of `npm start`. The Dockerfile runs this script.
import { cp, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Files that a running server never loads: source maps, types, and the pages of Playwright's own tools. */
const UNUSED_FILES = /\.map$|\.d\.ts$|\/playwright-core\/lib\/vite$/;

const root = fileURLToPath(new URL('..', import.meta.url));
const target = process.argv[2];
if (!target) fail('Usage: node scripts/install-production.mjs <folder>');
if (!(await stat(path.join(root, 'dist/bundle/main.js')).catch(() => undefined)))
  fail('no bundle found: run npm run build first');
await mkdir(target, { recursive: true });
if ((await readdir(target)).length > 0) fail(`${target} is not empty`);

// The server shows the documents below /guides/.
for (const file of [
  'package.json',
  'LICENSE',
  'README.md',
  'CHANGELOG.md',
  'docs',
  'dist/main.js',
  'dist/bundle',
]) {
  await copy(path.join(root, file), path.join(target, file));
}
const { dependencies: packages } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
const installed = new Set();
for (const name of Object.keys(packages)) await install(name, root);
console.log(`Installed in ${target}: ${[...installed].join(', ')}; ${await megabytes(target)} MB`);

/** Copies a package and its dependencies, as npm has installed them. */
async function install(name, importer, isOptional = false) {
  const folder = await locate(name, importer);
  if (folder === undefined) {
    // Optional packages hold native code for other systems.
    if (isOptional) return;
    fail(`${name} is not installed: run npm ci first`);
  }
  if (installed.has(name)) return;
  installed.add(name);
  await copy(folder, path.join(target, 'node_modules', name));
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
    await readFile(path.join(folder, 'package.json'), 'utf8'),
  );
  for (const dependency of Object.keys({ ...dependencies, ...optionalDependencies })) {
    await install(dependency, folder, dependency in optionalDependencies);
  }
}

async function locate(name, importer) {
  const parents = createRequire(path.join(importer, 'package.json')).resolve.paths(name) ?? [];
  for (const parent of parents) {
    const folder = path.join(parent, name);
    if (await stat(path.join(folder, 'package.json')).catch(() => undefined)) return folder;
  }
  return undefined;
}

/** Keeps modification times: a code cache that is older than its file is ignored. */
async function copy(from, to) {
  const filter = (file) => !UNUSED_FILES.test(file);
  await cp(from, to, { recursive: true, dereference: true, preserveTimestamps: true, filter });
}

async function megabytes(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(path.join(file.parentPath, file.name))).size),
  );
  return (sizes.reduce((sum, size) => sum + size, 0) / 1e6).toFixed(1);
}

function fail(message) {
  console.error(`install-production: ${message}`);
  process.exit(1);
}
