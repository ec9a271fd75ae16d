// Makes a build of the sources unless there is one, and makes it the current one. Nothing is changed in
// place: a running server keeps the build that it was started with. `npm run build` runs this file and checks
// types too; `npm start` imports it. `npm run docs` builds with `--without-types`, because the console uses
// the types that it writes, and so does `npm test`: `npm run lint` checks types.
import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { copyFile, link, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  currentBuild,
  DIST,
  folderOf,
  hasEntry,
  idOfSources,
  isBuilt,
  isInstalled,
  isChecked,
  removeFolder,
  removeUnused,
  ROOT,
  switchTo,
  temporary,
  TYPES,
} from './builds.mjs';

/** The compiler in native code checks in a third of the time of the other one, which ESLint and Nest need. */
const TSC = 'node_modules/typescript-native/bin/tsc';

/** Options of Node that servers are started with: V8's compiled code depends on them. */
const NODE_OPTIONS = [[], ['--max-semi-space-size=4']];

/** All that belongs in `dist/`. */
const CONTENTS = new Set(['builds', 'bundle', 'console', 'current', 'dev', 'main.js']);

/** Signals that end a build. */
const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'];

/** The sources cannot be built. Its message is the output of the failed step, or says what is missing. */
export class BuildError extends Error {}

/** The processes of the steps that are running. */
const running = new Set();
/** The signal that ends this build. */
let endedBy;

/**
 * Makes the current build one of the sources as they are now. A signal ends this process as usual, after what
 * the build has made so far was removed.
 * @param checkTypes whether wrong types are an error; the check takes most of the time
 * @param say called with the beginning and then the end of a line, if there is something to do
 * @throws BuildError
 */
export async function build({ checkTypes, say }) {
  if (!(await isInstalled())) throw new BuildError('the packages are not installed: run `npm ci` first');
  for (const signal of SIGNALS) process.on(signal, end);
  try {
    await buildAndSwitch(checkTypes, say);
  } catch (error) {
    if (endedBy === undefined) throw explained(error);
  } finally {
    for (const signal of SIGNALS) process.off(signal, end);
  }
  if (endedBy !== undefined) process.kill(process.pid, endedBy);
}

/** A step may have started processes itself: the signal goes to its group. */
function end(signal) {
  endedBy ??= signal;
  for (const { pid } of running) process.kill(-pid, 'SIGTERM');
}

/** Most often the checkout belongs to another user, or is read-only. */
function explained(error) {
  if (!/^(EACCES|EPERM|EROFS)$/.test(error.code)) return error;
  const advice = 'Build as the user who owns this checkout, or start the last build: node dist/main.js';
  return new BuildError(`${error.message}\n${advice}`);
}

async function buildAndSwitch(checkTypes, say) {
  const previous = await currentBuild();
  const id = await makeBuild(previous, checkTypes, say);
  if (id === previous && (await hasEntry())) return;
  await use(folderOf(id));
  await updateEntry();
  // Before the switch: a build that is interrupted here is repeated.
  await linkBundle(id);
  await switchTo(id);
  await removeUnused([id, previous]);
  await removeForeign();
  await rm(userFile(folderOf(id)), { force: true });
}

/** Until this build is the current one, another process that ends must not remove it. */
async function use(folder) {
  await writeFile(userFile(folder), '');
}

/** @returns the id of the build */
async function makeBuild(previous, checkTypes, say) {
  const id = await idOfSources();
  const needsCode = !(await isBuilt(id));
  let needsTypes = checkTypes && !(await isChecked(id));
  if (!needsCode && !needsTypes) return id;
  const reason = previous === undefined ? 'there is no build yet' : 'the sources have changed';
  say(needsCode ? `building (${reason}) ... ` : 'checking types ... ');
  const started = Date.now();
  const folder = temporary(id);
  await mkdir(path.join(folder, 'users'), { recursive: true });
  try {
    await inParallel([needsCode && makeCode(folder), needsTypes && check(folder, previous)]);
    // A file that was saved meanwhile may be in the build, so it would have the wrong id.
    if ((await idOfSources()) !== id) {
      say('once more: ');
      return await makeBuild(previous, checkTypes, say);
    }
    if (needsCode && (await giveName(folder, id))) needsTypes = false;
    if (needsTypes) await rename(path.join(folder, TYPES), path.join(folderOf(id), TYPES));
  } finally {
    await removeFolder(folder);
  }
  say(`done in ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
  return id;
}

async function makeCode(folder) {
  await use(folder);
  await inParallel([
    makeServer(folder),
    runScript(['scripts/console.mjs', path.join(folder, 'bundle/console')]),
  ]);
  await inParallel(NODE_OPTIONS.map((options) => runScript([...options, 'scripts/code-cache.mjs', folder])));
}

async function makeServer(folder) {
  await runScript(['scripts/compile.mjs', folder]);
  await runScript(['scripts/bundle.mjs', folder]);
}

/** Waits for all steps, also when one fails: the folder is removed only after all have ended. */
async function inParallel(steps) {
  for (const step of await Promise.allSettled(steps)) if (step.status === 'rejected') throw step.reason;
}

/** Checks types, beginning with what the check of the previous build remembers. */
async function check(folder, previous) {
  const memory = path.join(folder, TYPES);
  if (previous !== undefined && (await isChecked(previous)))
    await copyFile(path.join(folderOf(previous), TYPES), memory);
  const project = ['--project', 'tsconfig.build.json', '--noEmit'];
  const incremental = ['--incremental', '--tsBuildInfoFile', memory];
  await inParallel([
    runScript([TSC, ...project, ...incremental]),
    runScript([TSC, '--project', 'console/tsconfig.json']),
  ]);
}

/**
 * Gives a build its name. If another process has made the same one, that one stays.
 * @returns whether the folder was moved
 */
async function giveName(folder, id) {
  const target = folderOf(id);
  if (await moveUnlessThere(folder, target)) return true;
  if (await isBuilt(id)) return false;
  // Somebody has removed a part of it.
  await removeFolder(target);
  return moveUnlessThere(folder, target);
}

/** @returns false if there is another folder */
async function moveUnlessThere(from, to) {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    return false;
  }
}

/** Puts `dist/main.js` in place. */
async function updateEntry() {
  const file = temporary('main');
  await copyFile(path.join(ROOT, 'scripts/entry.mjs'), file);
  await rename(file, path.join(DIST, 'main.js'));
}

/**
 * Makes `dist/bundle` the bundle of a build, for npm packages and installations: npm packs no symbolic links.
 * Nothing runs from there.
 */
async function linkBundle(id) {
  const source = path.join(folderOf(id), 'bundle');
  const target = path.join(DIST, 'bundle');
  const folder = temporary('bundle');
  await mkdir(folder, { recursive: true });
  for (const entry of await readdir(source, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    const copy = path.join(folder, path.relative(source, file));
    if (entry.isDirectory()) await mkdir(copy, { recursive: true });
    else await link(file, copy);
  }
  await removeFolder(target);
  if (!(await moveUnlessThere(folder, target))) await removeFolder(folder);
}

/** Removes what was built directly in `dist/` before builds had folders. */
async function removeForeign() {
  for (const name of await readdir(DIST)) {
    if (!CONTENTS.has(name)) await removeFolder(path.join(DIST, name));
  }
}

/** The file that says that this process uses a build. */
function userFile(folder) {
  return path.join(folder, 'users', String(process.pid));
}

/** Runs a program of Node in the checkout, in a process group of its own. @throws BuildError if it fails */
async function runScript(args) {
  if (endedBy !== undefined) throw new BuildError(`ended by ${endedBy}`);
  const options = { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], detached: true };
  const child = spawn(process.execPath, args, options);
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk));
  if (child.pid !== undefined) running.add(child);
  child.once('exit', () => running.delete(child));
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new BuildError(Buffer.concat(output).toString().trim());
}

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    const checkTypes = !process.argv.includes('--without-types');
    await build({ checkTypes, say: (text) => void process.stderr.write(text) });
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(`failed\n${error.message}`);
    process.exitCode = 1;
  }
}
