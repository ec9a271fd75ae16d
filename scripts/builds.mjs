// Where builds are: `dist/builds/<id>`, of which the link `dist/current` leads to the one that starts next.
// The id is a hash of everything that a build is made from, so its folder exists if the build is up to date.
// Reasons: docs/decisions/0014-a-folder-for-each-build.md
import { createHash } from 'node:crypto';
import { readFile, readdir, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const DIST = path.join(ROOT, 'dist');
const BUILDS = path.join(DIST, 'builds');
const CURRENT = path.join(DIST, 'current');

/** Besides `src/`, `console/` and `scripts/`. The last one says what is really installed. */
const INPUTS = [
  '.swcrc',
  'nest-cli.json',
  'openapi.d.ts',
  'package-lock.json',
  'package.json',
  'tsconfig.build.json',
  'tsconfig.json',
  'node_modules/.package-lock.json',
];

const FOLDERS = ['src', 'console', 'scripts'];

/** Whether a file below one of them takes part in a build. */
const isInput = (name) => /(?<!\.spec)\.(tsx?|mjs|json|css|html)$/.test(name);

/** The id of the build of the sources as they are now. */
export async function idOfSources() {
  const hash = createHash('sha256');
  const names = await Promise.all(FOLDERS.map(inputsBelow));
  for (const name of [...INPUTS, ...names.flat()]) {
    const content = await readFile(path.join(ROOT, name)).catch(unlessMissing);
    if (content === undefined) continue;
    hash.update(`${name} ${content.length}\n`);
    hash.update(content);
  }
  return hash.digest('hex').slice(0, 16);
}

async function inputsBelow(folder) {
  const names = await readdir(path.join(ROOT, folder), { recursive: true });
  return names
    .filter(isInput)
    .sort()
    .map((name) => path.join(folder, name));
}

/** A path for something that this process is making; it is removed if the process dies. */
export function temporary(name) {
  return path.join(BUILDS, `${name}.${process.pid}`);
}

/** The folder of a build. */
export function folderOf(id) {
  return path.join(BUILDS, id);
}

/** Whether a build is complete. */
export async function isBuilt(id) {
  return exists(path.join(folderOf(id), 'bundle/main.js'));
}

/** Whether what starts a build and what npm packs is in place. */
export async function hasEntry() {
  return (await exists(path.join(DIST, 'main.js'))) && (await exists(path.join(DIST, 'bundle/main.js')));
}

/** What the compiler remembers of a successful check of types: the next one checks only what has changed. */
export const TYPES = 'types.tsbuildinfo';

/** Whether the types of a build are right. */
export async function isChecked(id) {
  return exists(path.join(folderOf(id), TYPES));
}

/** Whether the compiler and the rest of what `npm ci` installs are there. */
export async function isInstalled() {
  return exists(path.join(ROOT, 'node_modules/@swc/core'));
}

/** The id of the build that starts next, or undefined before the first build. */
export async function currentBuild() {
  const target = await readlink(CURRENT).catch(unlessMissing);
  return target === undefined ? undefined : path.basename(target);
}

/** Makes a build the one that starts next, in one step. */
export async function switchTo(id) {
  const link = temporary('current');
  await rm(link, { force: true });
  await symlink(path.join('builds', id), link);
  await rename(link, CURRENT);
}

/** Removes all builds but `kept`, those that a living process uses, and what a living process is making. */
export async function removeUnused(kept) {
  for (const name of await readdir(BUILDS)) {
    const maker = /\.(\d+)$/.exec(name)?.[1];
    if (maker === undefined ? kept.includes(name) : isAlive(maker)) continue;
    const folder = path.join(BUILDS, name);
    const users = await readdir(path.join(folder, 'users')).catch(() => []);
    if (maker !== undefined || !users.some(isAlive)) await removeFolder(folder);
  }
}

/** Removes a folder or file. If another process does so at the same time, only one of them can rename it. */
export async function removeFolder(folder) {
  const removed = temporary(`removed-${path.basename(folder)}`);
  const isOurs = await rename(folder, removed).then(() => true, unlessMissing);
  if (isOurs) await rm(removed, { recursive: true, force: true });
}

/** @param pid the name of a file of `users/` */
function isAlive(pid) {
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    // It belongs to another user.
    return error.code === 'EPERM';
  }
}

async function exists(file) {
  return stat(file).then(
    () => true,
    () => false,
  );
}

function unlessMissing(error) {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}
