// The second step of `npm run build`: joins dist/program.js with what it imports into a few files under
// dist/bundle/, because loading some 1,600 small modules was most of what a start cost, and keeps V8's
// compiled code of what a start runs. The modules of the first step stay beside it, for tests and tools. Why,
// and what to look at when it fails: docs/decisions/0008-a-bundle-for-the-start.md and 0010
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { lazyPrices } from './lazy-prices.mjs';
import { licencesOf } from './licences.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = path.join(root, 'dist/bundle');

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

/**
 * Loaded at every start, so one file: it is read once, and its modules run in the order in which Node would
 * run them.
 */
const START =
  /dist\/(cli\/serve|config\/index)\.js$|@nestjs\/(platform-express\/index|websockets\/socket-module)\.js$/;

const IMPORTED_BY_PROGRAM = /(?<!dist\/program\.js)$/;

/** `--version` needs this and nothing else. */
const VERSION = /dist\/server\/version\.js$/;

const bundle = await rolldown({
  cwd: root,
  input: 'dist/program.js',
  platform: 'node',
  external: EXTERNAL,
  resolve: {
    // ES modules also where Node would take CommonJS, so that what nobody uses of them stays out.
    mainFields: ['module', 'main'],
    alias: {
      'rxjs/operators': esModuleOfRxjs('operators/index.js'),
      rxjs: esModuleOfRxjs('index.js'),
      // The framework brings one of its own.
      ws: path.join(root, 'node_modules/ws/wrapper.mjs'),
      undici$: path.join(root, 'scripts/undici-for-calls.cjs'),
    },
  },
  plugins: [oneCopyOfWs(), typesAreNotGlobals(), leftOut(), withoutHttp2(), lazyPrices()],
  onLog: failOnWarning,
});
const { output } = await bundle.write({
  dir: folder,
  // V8's compiled code can be kept of scripts, not of ES modules.
  format: 'cjs',
  sourcemap: true,
  // A start reads them all, and the modules of the first step have them.
  comments: false,
  // Names of classes are facts: error names, schemas, messages of the framework.
  keepNames: true,
  entryFileNames: '[name].cjs',
  chunkFileNames: '[name]-[hash].cjs',
  // Packages that are not bundled are required, too.
  dynamicImportInCjs: false,
  codeSplitting: {
    groups: [
      // What `--help` and mistakes in the command line need, and nothing else.
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
for (const name of scripts) await makeAscii(path.join(folder, name));
console.log(`Bundled: ${scripts.length} files`);

/** One file that finds the bundle, or the modules where there is none. */
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

/**
 * Strings that V8 keeps with one byte a character instead of two. Outside of comments, which are gone, other
 * characters stand in strings, templates and regular expressions only, where an escape means the same.
 */
async function makeAscii(file) {
  const code = await readFile(file, 'utf8');
  if (/\bString\.raw`[^`]*[^\0-\x7f`]/.test(code)) throw new Error(`${file}: a raw template is not ASCII`);
  const escape = (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  await writeFile(file, code.replace(/[^\0-\x7f]/g, escape));
}

function esModuleOfRxjs(file) {
  const packageFile = createRequire(import.meta.url).resolve('rxjs/package.json');
  return path.join(path.dirname(packageFile), 'dist/esm', file);
}

/**
 * Nest's adapter asks Node for `ws` by a call that no bundler sees: a second copy, and 15 more files to load.
 */
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

/**
 * Metadata of decorators names the types of parameters, and Express's `Request` and `Response` are called
 * like globals of Node, which loads the whole of fetch when they are touched. Nobody reads these types.
 */
function typesAreNotGlobals() {
  const named = /typeof (Request|Response) === "undefined" \? Object : \1\b/g;
  return {
    name: 'types-are-not-globals',
    transform: {
      filter: { code: named },
      handler: (code) => ({ code: code.replace(named, 'Object'), map: null }),
    },
  };
}

/**
 * Packages that the framework imports and we do not use: phone numbers, files in forms (`src/workspace/`
 * takes these as streams), and Express's own reading of bodies (`src/http/body/json-body.ts` does it) with
 * its tables of Asian encodings. They were a quarter of what a start reads.
 */
function leftOut() {
  const packages = /^(multer|libphonenumber-js\/max|body-parser)$/;
  const nothing = (name) => `throw new Error("${name} is not in the bundle")`;
  return {
    name: 'left-out',
    resolveId: { filter: { id: packages }, handler: (id) => `\0left-out:${id}` },
    load: {
      filter: { id: /^\0left-out:/ },
      handler: (id) => `
        export default function multer() { ${nothing('multer')}; }
        export function parsePhoneNumber() { ${nothing('libphonenumber-js')}; }
        const parser = () => { ${nothing('body-parser')}; };
        export { parser as json, parser as raw, parser as text, parser as urlencoded };`,
    },
  };
}

/** undici speaks HTTP/2 only where it is told to, and nobody tells it: Node's module for that takes 3 MiB. */
function withoutHttp2() {
  const stub = '\0without-http2';
  return {
    name: 'without-http2',
    resolveId: {
      filter: { id: /^\.\/client-h2\.js$/ },
      handler: (_id, importer) => (importer?.includes('/undici/') ? stub : null),
    },
    load: {
      filter: { id: /^\0without-http2$/ },
      handler: () => `module.exports = () => { throw new Error('HTTP/2 of undici is not in the bundle'); };`,
    },
  };
}

/**
 * An import that is not found, or a module that is not what its importer expects, would show up only at run
 * time.
 */
function failOnWarning(level, log, defaultHandler) {
  defaultHandler(level === 'warn' ? 'error' : level, log);
}
