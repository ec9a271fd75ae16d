// The second step of `npm run build`: joins dist/main.js with what it imports into a few files under dist/bundle/, because
// loading some 1,600 small modules was most of what a start cost. The modules of the first step stay beside it, for tests and tools.
// Why, and what to look at when it fails: docs/decisions/0008-a-bundle-for-the-start.md
import { readdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { licencesOf } from './licences.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = 'bundle';

/** Packages that stay in node_modules: native code, programs and files that are served. */
const PACKAGES = ['@lydell/node-pty', '@vscode/ripgrep', 'playwright-core', 'swagger-ui-dist'];

/** Not bundled: those, and packages that the framework asks for and we do not have. */
const EXTERNAL = [
  ...PACKAGES,
  /^@nestjs\/microservices/,
  '@nestjs/platform-socket.io',
  'bufferutil',
  'utf-8-validate',
  '@fastify/static',
];

/** Loaded at every start, so one file: it is read once, and its modules run in the order in which Node would run them. */
const START =
  /dist\/(cli\/serve|config\/index)\.js$|@nestjs\/(platform-express\/index|websockets\/socket-module)\.js$/;

/** Not `main.js` itself: it says where the program is, and `--reload` starts it again. */
const IMPORTED_BY_MAIN = /(?<!dist\/main\.js)$/;

/** `--version` needs this and nothing else. */
const VERSION = /dist\/server\/version\.js$/;

const bundle = await rolldown({
  cwd: root,
  input: 'dist/main.js',
  platform: 'node',
  external: EXTERNAL,
  resolve: {
    // ES modules also where Node would take CommonJS, so that what nobody uses of them stays out.
    mainFields: ['module', 'main'],
    alias: { 'rxjs/operators': esModuleOfRxjs('operators/index.js'), rxjs: esModuleOfRxjs('index.js') },
  },
  plugins: [oneCopyOfWs()],
  onLog: failOnWarning,
});
const { output } = await bundle.write({
  dir: path.join(root, 'dist'),
  format: 'esm',
  sourcemap: true,
  // A start reads them all, and the modules of the first step have them.
  comments: false,
  // Names of classes are facts: error names, schemas, messages of the framework.
  keepNames: true,
  entryFileNames: 'main.js',
  chunkFileNames: `${folder}/[name]-[hash].js`,
  codeSplitting: {
    groups: [
      // What `--help` and mistakes in the command line need, and nothing else.
      { name: 'command-line', tags: ['$initial'], test: IMPORTED_BY_MAIN, priority: 3 },
      { name: 'version', test: VERSION, priority: 2 },
      { name: 'start', test: START, priority: 1 },
    ],
  },
});
await bundle.close();
await writeFile(path.join(root, 'dist', folder, 'packages.json'), JSON.stringify(PACKAGES));
await writeFile(path.join(root, 'dist', folder, 'LICENSES.txt'), await licencesOf(output));
console.log(`Bundled: ${(await readdir(path.join(root, 'dist', folder))).filter(isScript).length} files`);

function isScript(name) {
  return name.endsWith('.js');
}

function esModuleOfRxjs(file) {
  const packageFile = createRequire(import.meta.url).resolve('rxjs/package.json');
  return path.join(path.dirname(packageFile), 'dist/esm', file);
}

/** Nest's adapter asks Node for `ws` by a call that no bundler sees: a second copy, and 15 more files to load. */
function oneCopyOfWs() {
  const asked = "createRequire(import.meta.url)('ws')";
  return {
    name: 'one-copy-of-ws',
    transform: {
      filter: { id: /platform-ws\/adapters\/ws-adapter\.js$/ },
      handler(code) {
        if (!code.includes(asked)) this.error(`no ${asked}: is this still needed?`);
        // At the end, so that the lines above keep their numbers.
        return { code: `${code.replace(asked, 'bundledWs')}\nimport * as bundledWs from 'ws';\n`, map: null };
      },
    },
  };
}

/** An import that is not found, or a module that is not what its importer expects, would show up only at run time. */
function failOnWarning(level, log, defaultHandler) {
  defaultHandler(level === 'warn' ? 'error' : level, log);
}
