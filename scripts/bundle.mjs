// The second step of a build: bundles program.js and its packages into a few files under bundle/, because
// loading some 1,600 small modules took most of the time of a start. The modules of the first step stay
// beside it for tests and tools. Usage: node scripts/bundle.mjs <folder of the build>. Reasons and
// troubleshooting: docs/decisions/0008-a-bundle-for-the-start.md
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { licencesOf } from './licences.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const build = process.argv[2];
if (!build) throw new Error('Usage: node scripts/bundle.mjs <folder>');
const folder = path.join(build, 'bundle');

/**
 * The `dependencies` of package.json are not bundled: native code, programs, and `ws`, which Nest's adapter
 * requires at run time in a way that a bundler cannot see. What is bundled is a development dependency.
 */
const { dependencies } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));

/** Those, and optional packages of the framework that are not installed. */
const EXTERNAL = [
  ...Object.keys(dependencies),
  /^@nestjs\/microservices/,
  '@nestjs/platform-socket.io',
  'utf-8-validate',
  '@fastify/static',
];

/** Modules that every start loads: they share one file, which is read once. */
const START =
  /\/builds\/[^/]+\/(app\.setup|cli\/serve|config\/index)\.js$|@nestjs\/(platform-express\/index|websockets\/socket-module)\.js$/;

const IMPORTED_BY_PROGRAM = /(?<!\/builds\/[^/]+\/program\.js)$/;

/**
 * The files of `swagger-ui-dist` that the API document's page loads (src/openapi/setup-open-api.ts). They are
 * copied, because the package holds 12 MB and has a dependency that reports each installation to its author.
 */
const SWAGGER_UI = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'];

/** All that `--version` loads. */
const VERSION = /\/builds\/[^/]+\/server\/version\.js$/;

const bundle = await rolldown({
  cwd: root,
  input: path.join(build, 'program.js'),
  platform: 'node',
  external: EXTERNAL,
  // Prefer ES modules, even where Node would load CommonJS: unused exports can be dropped.
  resolve: { mainFields: ['module', 'main'] },
  plugins: [withoutUnusedPackages()],
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
const swaggerUi = await copySwaggerUi();
await writeFile(path.join(folder, 'LICENSES.txt'), await licencesOf(output, [swaggerUi]));
const scripts = (await readdir(folder)).filter((name) => name.endsWith('.cjs'));
for (const name of scripts) await escapeNonAscii(path.join(folder, name));
console.log(`Bundled: ${scripts.length} files`);

/** Bundles main.js, which loads the bundle, into one file beside it. */
async function bundleMain() {
  const main = await rolldown({
    cwd: root,
    input: path.join(build, 'main.js'),
    platform: 'node',
    external: /\/program\.js$/,
    onLog: failOnWarning,
  });
  await main.write({
    file: path.join(folder, 'main.js'),
    format: 'esm',
    sourcemap: true,
    comments: false,
  });
  await main.close();
}

/** @returns the package's folder */
async function copySwaggerUi() {
  const source = path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const target = path.join(folder, 'swagger-ui');
  await mkdir(target, { recursive: true });
  for (const name of SWAGGER_UI) await copyFile(path.join(source, name), path.join(target, name));
  return source;
}

/**
 * Replaces packages that the framework imports and this server never calls: phone numbers, multipart forms
 * (`src/workspace/files/` streams them) and Express's body parsers (`src/http/body/` reads bodies). They are
 * a fifth of the code that every start reads, and 10 MiB of memory together with the escapes below. The
 * client of the container engine imports SSH, gRPC and archives, 10 MB in all, for engines elsewhere and
 * for builds.
 */
function withoutUnusedPackages() {
  const packages =
    /^(multer|libphonenumber-js\/max|body-parser|ssh2|@grpc\/grpc-js|@grpc\/proto-loader|protobufjs|tar-fs|@balena\/dockerignore)$/;
  const fail = (name) => `throw new Error("${name} is not part of the bundle")`;
  return {
    name: 'without-unused-packages',
    resolveId: { filter: { id: packages }, handler: (id) => `\0unused:${id}` },
    load: {
      filter: { id: /^\0unused:/ },
      handler: () => `
        export default function multer() { ${fail('multer')}; }
        export function parsePhoneNumber() { ${fail('libphonenumber-js')}; }
        const parser = () => { ${fail('body-parser')}; };
        export { parser as json, parser as raw, parser as text, parser as urlencoded };`,
    },
  };
}

/**
 * Escapes all other characters: V8 stores a file of ASCII with one byte per character instead of two. Without
 * comments they occur only in strings, templates and regular expressions, where an escape means the same.
 */
async function escapeNonAscii(file) {
  const code = await readFile(file, 'utf8');
  if (/\bString\.raw`[^`]*[^\0-\x7f`]/.test(code)) throw new Error(`${file}: a raw template is not ASCII`);
  const escape = (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  await writeFile(file, code.replace(/[^\0-\x7f]/g, escape));
}

/** Fails the build on warnings: an unresolved import would otherwise show up only at run time. */
function failOnWarning(level, log, defaultHandler) {
  defaultHandler(level === 'warn' ? 'error' : level, log);
}
