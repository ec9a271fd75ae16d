// Builds the page of the console (`console/`) into a folder: one page, and scripts and styles whose names
// contain a hash of their content, each with a compressed copy. Usage: node scripts/console.mjs <folder>
// [--watch]. `src/console/` serves them.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
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

const input = {
  cwd: root,
  input: path.join(source, 'src/main.tsx'),
  platform: 'browser',
  tsconfig: path.join(source, 'tsconfig.json'),
  onLog: (level, log, defaultHandler) => defaultHandler(level === 'warn' ? 'error' : level, log),
};
const output = {
  dir: assets,
  format: 'esm',
  minify: true,
  comments: false,
  entryFileNames: 'console-[hash].js',
  chunkFileNames: '[name]-[hash].js',
};

await rm(folder, { recursive: true, force: true });
if (option === '--watch') {
  const watcher = watch({ ...input, output });
  watcher.on('event', (event) => {
    if (event.code === 'BUNDLE_END') void event.result.close();
    if (event.code === 'ERROR') console.error(`console: ${event.error.message}`);
    if (event.code === 'END') void writePage().catch((error) => console.error(error));
  });
} else {
  const bundle = await rolldown(input);
  const { output: files } = await bundle.write(output);
  await bundle.close();
  const entry = files.find((file) => file.isEntry).fileName;
  await writePage(entry);
  await writeFile(path.join(folder, 'LICENSES.txt'), await licencesOf(files, []));
}

/** Writes the page and its styles. */
async function writePage(entry) {
  const script = entry ?? (await newest(/^console-[\w-]+\.js$/));
  const css = await styles();
  const name = `console-${createHash('sha256').update(css).digest('hex').slice(0, 8)}.css`;
  await mkdir(assets, { recursive: true });
  await writeFile(path.join(assets, name), css);
  for (const file of await readdir(assets)) {
    if (!/\.(js|css)$/.test(file)) continue;
    const content = await readFile(path.join(assets, file));
    await writeFile(path.join(assets, `${file}.gz`), await promisify(gzip)(content, { level: 9 }));
  }
  const page = await readFile(path.join(source, 'index.html'), 'utf8');
  await writeFile(
    path.join(folder, 'index.html'),
    page.replace('%SCRIPT%', `assets/${script}`).replace('%STYLE%', `assets/${name}`),
  );
}

/** While files are watched, scripts of earlier builds are there too. */
async function newest(pattern) {
  const { stat } = await import('node:fs/promises');
  const names = (await readdir(assets)).filter((name) => pattern.test(name));
  const times = await Promise.all(names.map(async (name) => (await stat(path.join(assets, name))).mtimeMs));
  return names[times.indexOf(Math.max(...times))];
}

/** All style sheets below `console/`, those of `styles/` first, without comments and indentation. */
async function styles() {
  const names = (await readdir(path.join(source, 'src'), { recursive: true }))
    .filter((name) => name.endsWith('.css'))
    .sort((a, b) => Number(b.startsWith('styles/')) - Number(a.startsWith('styles/')) || (a < b ? -1 : 1));
  const texts = await Promise.all(names.map((name) => readFile(path.join(source, 'src', name), 'utf8')));
  const plots = await readFile(path.join(root, 'node_modules/uplot/dist/uPlot.min.css'), 'utf8');
  return [plots, ...texts]
    .join('\n')
    .replace(/\/\*[^]*?\*\//g, '')
    .replace(/\n\s*/g, '\n')
    .trim();
}
