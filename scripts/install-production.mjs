// Puts what a running server needs into an empty folder, from a checkout that is built (`npm ci && npm run
// build`): the bundle, and the few packages that are not in it. No network, no dev dependencies, no install
// scripts. Usage: node scripts/install-production.mjs <folder>. Then: node <folder>/dist/main.js, with Node's
// options as in `npm start`. The Dockerfile runs this too.
import { cp, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * What only developers use: source maps (half of everything), types, the pages of Playwright's own tools, and
 * the forms of Swagger UI that our page does not load.
 */
const NOT_FOR_USERS =
  /\.map$|\.d\.ts$|\/playwright-core\/lib\/vite$|\/swagger-ui-(es-bundle.*|standalone-preset)\.js$/;

const root = fileURLToPath(new URL('..', import.meta.url));
const target = process.argv[2];
if (!target) fail('Usage: node scripts/install-production.mjs <folder>');
const main = await readFile(path.join(root, 'dist/main.js'), 'utf8').catch(() => '');
if (!main.includes('bundle/program.cjs')) fail('there is no bundle: run npm run build first');
await mkdir(target, { recursive: true });
if ((await readdir(target)).length > 0) fail(`${target} is not empty`);

for (const file of ['package.json', 'LICENSE', 'dist/main.js', 'dist/bundle']) {
  await copy(path.join(root, file), path.join(target, file));
}
const packages = JSON.parse(await readFile(path.join(root, 'dist/bundle/packages.json'), 'utf8'));
const installed = new Set();
for (const name of packages) await install(name, root);
console.log(`Installed in ${target}: ${[...installed].join(', ')}; ${await megabytes(target)} MB`);

/** A package and those that it needs itself, as npm has installed them. */
async function install(name, importer, isOptional = false) {
  const folder = await locate(name, importer);
  if (folder === undefined) {
    // Native code for other systems.
    if (isOptional) return;
    fail(`${name} is not installed: run npm ci first`);
  }
  if (installed.has(name)) return;
  installed.add(name);
  await copy(folder, path.join(target, 'node_modules', name));
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
    await readFile(path.join(folder, 'package.json'), 'utf8'),
  );
  for (const needed of Object.keys({ ...dependencies, ...optionalDependencies })) {
    await install(needed, folder, needed in optionalDependencies);
  }
}

async function locate(name, importer) {
  const places = createRequire(path.join(importer, 'package.json')).resolve.paths(name) ?? [];
  for (const place of places) {
    const folder = path.join(place, name);
    if (await stat(path.join(folder, 'package.json')).catch(() => undefined)) return folder;
  }
  return undefined;
}

/** With their times: compiled code that is older than its file is not used. */
async function copy(from, to) {
  const filter = (file) => !NOT_FOR_USERS.test(file);
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
