import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { copyFile, link, mkdir, mkdtemp, readdir, realpath, symlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { writeFiles } from './write-files.js';

/** The root of this repository. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What builds are made from that a test replaces where it needs no whole server. */
const SOURCES = ['src', 'console', 'openapi.d.ts'];

/** What else a build needs. */
const TOOLS = ['.swcrc', 'nest-cli.json', 'package.json', 'scripts', 'tsconfig.build.json', 'tsconfig.json'];

const CONSOLE_TYPES = 'console/tsconfig.json';

/** A console without views. */
const SMALL_CONSOLE = {
  'console/index.html': '<title>small</title><link href="%STYLE%" /><script src="%SCRIPT%"></script>',
  'console/src/main.tsx': "document.title = 'small';\n",
};

/**
 * Copies this checkout with its current build, so that a test can change sources. Packages are linked.
 * @param sources files of a small program in place of the server: a build of that takes 15 s of CPU
 */
export async function copyCheckout(sources?: Readonly<Record<string, string>>): Promise<string> {
  const copy = await realpath(await mkdtemp(path.join(os.tmpdir(), 'checkout-')));
  const copied = sources === undefined ? [...TOOLS, ...SOURCES] : TOOLS;
  await promisify(execFile)('cp', ['-R', ...copied.map((name) => path.join(ROOT, name)), copy]);
  if (sources !== undefined) {
    await writeFiles(copy, { ...SMALL_CONSOLE, ...sources });
    await copyFile(path.join(ROOT, CONSOLE_TYPES), path.join(copy, CONSOLE_TYPES));
  }
  await linkTree(path.join(ROOT, 'dist/current/bundle'), path.join(copy, 'dist/bundle'));
  await linkFile(path.join(ROOT, 'dist/main.js'), path.join(copy, 'dist/main.js'));
  // A folder of links, so that writes to node_modules stay in the copy.
  const packages = path.join(copy, 'node_modules');
  await mkdir(packages);
  for (const name of await readdir(path.join(ROOT, 'node_modules'))) {
    if (name !== '.cache') await symlink(path.join(ROOT, 'node_modules', name), path.join(packages, name));
  }
  return copy;
}

/** Makes hard links to all files below a folder. Who changes one has to replace it. */
export async function linkTree(source: string, target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const [from, to] = [path.join(source, entry.name), path.join(target, entry.name)];
    await (entry.isDirectory() ? linkTree(from, to) : linkFile(from, to));
  }
}

/** Temporary folders may be on another file system. */
async function linkFile(source: string, target: string): Promise<void> {
  await link(source, target).catch(() => copyFile(source, target, constants.COPYFILE_EXCL));
}
