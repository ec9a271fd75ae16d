// Builds the page of the console (`console/`) into a folder: one page, and scripts and styles whose names
// contain a hash of their content, each with a compressed copy. Usage: node scripts/console.mjs <folder>
// [--watch]. `src/console/` serves them. With `--watch` it builds again after each change; a parent process
// is told of the first build with a message, and its end is the end of this process.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { rolldown, watch } from 'rolldown';
import { licencesOf } from './licences.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = path.join(root, 'console');
const [folder, option] = process.argv.slice(2);
if (!folder) throw new Error('Usage: node scripts/console.mjs <folder> [--watch]');
const assets = path.join(folder, 'assets');
const page = path.join(source, 'index.html');

/** What several views use is loaded at once, not in a second round after the code of a view. */
const SHARED =
  /\/console\/src\/(?:api\/(?!metrics\/)|routing\/|shell\/|ui\/(?!plot\/))|\/node_modules\/@?preact\//;

const input = {
  cwd: root,
  input: path.join(source, 'src/main.tsx'),
  platform: 'browser',
  tsconfig: path.join(source, 'tsconfig.json'),
  plugins: [pageAndStyles()],
  // A busy machine is no mistake of ours.
  checks: { bundlerTimings: false },
  onLog: (level, log, defaultHandler) => defaultHandler(level === 'warn' ? 'error' : level, log),
};
const output = {
  dir: assets,
  format: 'esm',
  minify: true,
  comments: false,
  entryFileNames: 'console-[hash].js',
  chunkFileNames: '[name]-[hash].js',
  codeSplitting: { groups: [{ name: 'shared', minShareCount: 2, test: SHARED }] },
};

await rm(folder, { recursive: true, force: true });
if (option === '--watch') {
  process.once('disconnect', () => process.exit());
  // It ended while this process started.
  if (process.send !== undefined && !process.connected) process.exit();
  watch({ ...input, output }).on('event', (event) => {
    if (event.code === 'BUNDLE_END') void event.result.close();
    if (event.code === 'ERROR') console.error(`console: ${event.error.message}`);
    if (event.code === 'END' || event.code === 'ERROR') process.send?.(event.code);
  });
} else {
  const bundle = await rolldown(input);
  await bundle.write(output);
  await bundle.close();
}

/** Writes what is not a script after each build of the scripts. */
function pageAndStyles() {
  return {
    name: 'page-and-styles',
    async buildStart() {
      for (const file of [page, ...(await styleSheets())]) this.addWatchFile(file);
    },
    async writeBundle(_options, bundle) {
      const files = Object.values(bundle);
      await writeFile(path.join(folder, 'LICENSES.txt'), await licencesOf(files, []));
      const entry = files.find((file) => file.isEntry);
      await writePage(entry.fileName, importedBy(entry, bundle));
    },
  };
}

/** The chunks that are loaded with a chunk. */
function importedBy({ imports }, bundle, found = new Set()) {
  for (const name of imports.filter((one) => !found.has(one)))
    importedBy(bundle[name], bundle, found.add(name));
  return [...found].sort();
}

async function writePage(script, imports) {
  const css = await styles();
  const name = `console-${createHash('sha256').update(css).digest('hex').slice(0, 8)}.css`;
  await mkdir(assets, { recursive: true });
  await writeFile(path.join(assets, name), css);
  for (const file of await readdir(assets)) {
    if (!/\.(js|css)$/.test(file)) continue;
    const content = await readFile(path.join(assets, file));
    await writeFile(path.join(assets, `${file}.gz`), await promisify(gzip)(content, { level: 9 }));
  }
  // Otherwise they are requested only after the script that imports them has been read.
  const preloads = imports
    .map((chunk) => `<link rel="modulepreload" href="assets/${chunk}" />\n    `)
    .join('');
  const text = (await readFile(page, 'utf8'))
    .replace('<script', `${preloads}<script`)
    .replace('%SCRIPT%', `assets/${script}`)
    .replace('%STYLE%', `assets/${name}`);
  // Last and in one step: a server that runs meanwhile sees a whole page whose files are there.
  await writeFile(path.join(folder, 'index.html.new'), text);
  await rename(path.join(folder, 'index.html.new'), path.join(folder, 'index.html'));
}

/** All style sheets, without comments and indentation. */
async function styles() {
  const texts = await Promise.all((await styleSheets()).map((file) => readFile(file, 'utf8')));
  return texts
    .join('\n')
    .replace(/\/\*[^]*?\*\//g, '')
    .replace(/\n\s*/g, '\n')
    .trim();
}

/** The paths of the style sheet of xterm.js and of all below `console/`, those of `styles/` first. */
async function styleSheets() {
  const ours = (await readdir(path.join(source, 'src'), { recursive: true }))
    .filter((name) => name.endsWith('.css'))
    .sort((a, b) => Number(b.startsWith('styles/')) - Number(a.startsWith('styles/')) || (a < b ? -1 : 1))
    .map((name) => path.join(source, 'src', name));
  return [path.join(root, 'node_modules/@xterm/xterm/css/xterm.css'), ...ours];
}
