import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { errorCode, errorMessage } from '../errors/index.js';
import { makeFolder, makeTemporaryFolder, sweepTemporaryFolders } from '../files/index.js';
import { installedUi, PINNED_UI, type UiPlace } from './installed-ui.js';

/** The pinned archive has 17 MB. No file that npm writes may be larger than this. */
const MAX_ARCHIVE_BYTES = 64 * 1024 * 1024;
/** The pinned build has 9 MB in 295 files. */
const MAX_BUILD_BYTES = 256 * 1024 * 1024;
const MAX_BUILD_FILES = 10_000;
const MAX_FETCH_MS = 5 * 60_000;
/** Characters of npm's messages that are kept. */
const MAX_MESSAGES = 4_000;
/** Blocks of POSIX `ulimit -f`. */
const BLOCK_BYTES = 512;

/** The UI could not be fetched. The message says what to do. */
export class UiFetchError extends Error {
  override readonly name = 'UiFetchError';
}

/** What is fetched, and where it goes. Tests replace parts. */
export interface UiFetch {
  readonly place: UiPlace;
  readonly integrity: string;
  /** Called with each step as a line for the person who waits. */
  readonly print: (line: string) => void;
}

/**
 * Fetches the pinned web UI with npm, which knows the registry, proxy and access of this machine. No script
 * of the package is run, and nothing is unpacked before the archive was checked. The UI appears as a whole or
 * not at all, also when several processes fetch it.
 * @throws UiFetchError
 */
export async function fetchUi({
  place,
  integrity = PINNED_UI.integrity,
  print,
}: Omit<UiFetch, 'integrity'> & Partial<UiFetch>): Promise<void> {
  const title = `${PINNED_UI.name} ${PINNED_UI.version}`;
  if (installedUi(place) !== undefined) {
    print(`${title} is already in ${place.folder}. To fetch it again, remove that folder first.`);
    return;
  }
  const working = await workingFolder(place.parent);
  try {
    print(`Fetching ${title} with npm`);
    const archive = await download(working);
    await verify(archive, integrity);
    const unpacked = path.join(working, 'unpacked');
    await unpack(archive, unpacked);
    await moveInto(place, unpacked);
    await removeOthers(place);
  } catch (error) {
    if (error instanceof UiFetchError) throw error;
    throw new UiFetchError(`cannot fetch the web UI: ${errorMessage(error)}`, { cause: error });
  } finally {
    await rm(working, { recursive: true, force: true });
  }
  print(`The web UI is in ${place.folder}. The next start of the server serves it at /.`);
}

async function workingFolder(parent: string): Promise<string> {
  try {
    await makeFolder(parent);
    await sweepTemporaryFolders(parent);
    return await makeTemporaryFolder('fetch', parent);
  } catch (error) {
    throw new UiFetchError(
      `cannot write to ${parent} (${errorCode(error) ?? errorMessage(error)}): run this as the user who installed the server`,
      { cause: error },
    );
  }
}

/** @returns the path of the archive */
async function download(folder: string): Promise<string> {
  const { name, version } = PINNED_UI;
  const args = [
    'pack',
    `${name}@${version}`,
    '--ignore-scripts',
    '--pack-destination',
    folder,
    '--loglevel=error',
  ];
  const { code, messages } = await runNpm(args);
  const archive = (await readdir(folder)).find((file) => file.endsWith('.tgz'));
  if (code === 0 && archive !== undefined) return path.join(folder, archive);
  const reason = withoutStacks(messages) || `npm ended with ${String(code)}`;
  throw new UiFetchError(
    `npm cannot fetch ${name}@${version}: ${reason}\nCheck the network and the registry (npm config get registry), or unpack the package ` +
      'yourself and start the server with --ui FOLDER/build',
  );
}

/** What npm says without stacks, dumps of objects and its prefix. */
function withoutStacks(messages: string): string {
  const lines = messages.split('\n').map((line) => line.replace(/^npm (?:error|ERR!) ?/, ''));
  return lines.filter((line) => /^(?!npm |A complete log|[{}])\S/.test(line)).join('\n');
}

/** Runs npm within limits of time and size. */
async function runNpm(args: readonly string[]): Promise<{ code: number | null; messages: string }> {
  // npm names itself to the scripts that it runs; other package managers do too.
  const named = process.env['npm_execpath'] ?? '';
  const npm = /npm-cli\.c?js$/.test(named) ? [process.execPath, named] : ['npm'];
  const limit = `ulimit -f ${MAX_ARCHIVE_BYTES / BLOCK_BYTES} && exec "$@"`;
  const child = spawn('sh', ['-c', limit, 'sh', ...npm, ...args], {
    env: process.env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let messages = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    messages = (messages + text).slice(0, MAX_MESSAGES);
  });
  const timer = setTimeout(() => {
    messages = `no answer within ${MAX_FETCH_MS / 60_000} minutes`;
    child.kill('SIGKILL');
  }, MAX_FETCH_MS);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, messages };
  } finally {
    clearTimeout(timer);
  }
}

async function verify(archive: string, integrity: string): Promise<void> {
  const { size } = await stat(archive);
  if (size > MAX_ARCHIVE_BYTES)
    throw new UiFetchError(`the archive has ${size} bytes, more than ${MAX_ARCHIVE_BYTES}`);
  const hash = createHash('sha512');
  await pipeline(createReadStream(archive), hash);
  const found = `sha512-${hash.digest('base64')}`;
  if (found === integrity) return;
  throw new UiFetchError(
    `the archive of ${PINNED_UI.name}@${PINNED_UI.version} is not the one that this version of the server was tested with, and was removed: ` +
      `expected ${integrity}, got ${found}. Check the registry (npm config get registry)`,
  );
}

/** Unpacks the build and the licence, nothing else. */
async function unpack(archive: string, folder: string): Promise<void> {
  const { extract } = await import('tar');
  await mkdir(folder);
  let bytes = 0;
  let files = 0;
  await extract({
    file: archive,
    cwd: folder,
    strip: 1,
    strict: true,
    noMtime: true,
    filter: (name, entry) => {
      if (!/^package\/(?:build\/|LICENSE$)/.test(name)) return false;
      if ('type' in entry && entry.type !== 'File' && entry.type !== 'Directory') return false;
      bytes += entry.size;
      files += 1;
      return bytes <= MAX_BUILD_BYTES && files <= MAX_BUILD_FILES;
    },
  });
  if (bytes > MAX_BUILD_BYTES || files > MAX_BUILD_FILES)
    throw new UiFetchError(
      `the web UI has more than ${MAX_BUILD_FILES} files or ${MAX_BUILD_BYTES} bytes, and was removed`,
    );
  if ((await stat(path.join(folder, 'build/index.html')).catch(() => undefined)) === undefined)
    throw new UiFetchError('the archive has no build/index.html');
}

async function moveInto(place: UiPlace, unpacked: string): Promise<void> {
  try {
    // What is there without a page is the rest of a damaged UI.
    if (installedUi(place) === undefined) await rm(place.folder, { recursive: true, force: true });
    await rename(unpacked, place.folder);
  } catch (error) {
    // Another process was faster.
    if (installedUi(place) === undefined) throw error;
  }
}

/** Removes UIs that earlier versions of the server have fetched. */
async function removeOthers(place: UiPlace): Promise<void> {
  const prefix = `${path.posix.basename(PINNED_UI.name)}-`;
  for (const name of await readdir(place.parent)) {
    const folder = path.join(place.parent, name);
    if (name.startsWith(prefix) && folder !== place.folder)
      await rm(folder, { recursive: true, force: true });
  }
}
