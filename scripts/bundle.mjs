// The second step of `npm run build`: bundles dist/program.js and its packages into a few files under
// dist/bundle/, because loading some 1,600 small modules took most of the time of a start. The modules of the
// first step stay in dist/ for tests and tools. Reasons and troubleshooting:
// docs/decisions/0008-a-bundle-for-the-start.md
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { licencesOf } from './licences.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = path.join(root, 'dist/bundle');

/**
 * Packages that are not bundled: native code, programs, files that are served, and `ws`, which Nest's adapter
 * requires at run time in a way that a bundler cannot see.
 */
const PACKAGES = ['@lydell/node-pty', '@vscode/ripgrep', 'playwright-core', 'swagger-ui-dist', 'ws'];

/** Those, and optional packages of the framework that are not installed. */
const EXTERNAL = [
  ...PACKAGES,
  /^@nestjs\/microservices/,
  '@nestjs/platform-socket.io',
  'utf-8-validate',
  '@fastify/static',
];

/** Modules that every start loads: they share one file, which is read once. */
const START =
  /dist\/(app\.setup|cli\/serve|config\/index)\.js$|@nestjs\/(platform-express\/index|websockets\/socket-module)\.js$/;

const IMPORTED_BY_PROGRAM = /(?<!dist\/program\.js)$/;

/** All that `--version` loads. */
const VERSION = /dist\/server\/version\.js$/;

const bundle = await rolldown({
  cwd: root,
  input: 'dist/program.js',
  platform: 'node',
  external: EXTERNAL,
  // Prefer ES modules, even where Node would load CommonJS: unused exports can be dropped.
  resolve: { mainFields: ['module', 'main'] },
  onLog: failOnWarning,
});
const { output } = await bundle.write({
  dir: folder,
  // V8 can store compiled code of scripts, not of ES modules.
  format: 'cjs',
  sourcemap: true,
  comments: false,
  // Class names are visible: in error names, schemas and messages of the framework.
  keepNames: true,
  entryFileNames: '[name].cjs',
  chunkFileNames: '[name]-[hash].cjs',
  // External packages are loaded with `require` as well.
  dynamicImportInCjs: false,
  codeSplitting: {
    groups: [
      // All that `--help` and errors in the command line load.
      { name: 'command-line', tags: ['$initial'], test: IMPORTED_BY_PROGRAM, priority: 3 },
      { name: 'version', test: VERSION, priority: 2 },
      { name: 'start', test: START, priority: 1 },
    ],
  },
});
await bundle.close();
await bundleMain();
await writeFile(path.join(folder, 'packages.json'), JSON.stringify(PACKAGES));
await writeFile(path.join(folder, 'LICENSES.txt'), await licencesOf(output));
const scripts = (await readdir(folder)).filter((name) => name.endsWith('.cjs'));
console.log(`Bundled: ${scripts.length} files`);

/** Bundles dist/main.js, which loads the bundle, or the modules if there is no bundle, into one file. */
async function bundleMain() {
  const main = await rolldown({
    cwd: root,
    input: 'dist/main.js',
    platform: 'node',
    external: /\/program\.js$/,
    onLog: failOnWarning,
  });
  await main.write({
    file: path.join(root, 'dist/main.js'),
    format: 'esm',
    sourcemap: true,
    comments: false,
  });
  await main.close();
}

/** Fails the build on warnings: an unresolved import would otherwise show up only at run time. */
function failOnWarning(level, log, defaultHandler) {
  defaultHandler(level === 'warn' ? 'error' : level, log);
}
