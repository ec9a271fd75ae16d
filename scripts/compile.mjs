// Compiles src/ into a folder without type checks and without a bundle. `--reload` runs it after each change.
// Usage: node scripts/compile.mjs <folder>. Prints each file that does not compile and exits with 1.
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformFile } from '@swc/core';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = path.join(root, 'src');
const target = process.argv[2];
if (!target) throw new Error('Usage: node scripts/compile.mjs <folder>');

const entries = await readdir(source, { recursive: true, withFileTypes: true });
const files = entries
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !/\.(spec|d)\.ts$/.test(entry.name))
  .map((entry) => path.join(entry.parentPath, entry.name));
const results = await Promise.allSettled(files.map(compile));
const failures = results.filter(({ status }) => status === 'rejected');
// The text after the error location is about the compiler itself.
for (const { reason } of failures) console.error(String(reason.message ?? reason).split('\n\nCaused by')[0]);
if (failures.length > 0) process.exit(1);

async function compile(file) {
  const { code, map } = await transformFile(file, { cwd: root, swcrc: true });
  const output = path.join(target, path.relative(source, file)).replace(/\.ts$/, '.js');
  await mkdir(path.dirname(output), { recursive: true });
  await writeFile(output, `${code}\n//# sourceMappingURL=${path.basename(output)}.map\n`);
  if (map !== undefined) await writeFile(`${output}.map`, map);
}
