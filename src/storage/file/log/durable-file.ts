import fs, { constants } from 'node:fs';
import { mkdir, rename, unlink } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { errorCode } from '../../../errors/index.js';
import { PLAIN } from '../../../files/index.js';
import { turnForRequest } from '../../../flow/index.js';
import { FILE_MODE, FOLDER_MODE } from '../conversation-folder.js';

/*
 * Calls that wait for the disk or create a file use the thread pool. Calls that only change memory of the
 * kernel (a short write, a rename, a close) are synchronous: the way to a thread and back takes longer.
 */
const open = promisify(fs.open);
const write = promisify(fs.writeFile);
const sync = promisify(fs.fsync);

/** Neither follows a link nor blocks on a pipe. */
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | PLAIN;

/** Shorter texts (UTF-16 units) are written synchronously. */
const SHORT_TEXT = 64 * 1024;

/** Flushes a folder: without it a new or renamed file may be missing after a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const file = fs.openSync(folder, 'r');
  try {
    await sync(file);
  } finally {
    fs.closeSync(file);
  }
}

/** The flushes that start when the current one of their folder ends. */
const nextSyncs = new Map<string, Promise<void>>();
const currentSyncs = new Map<string, Promise<void>>();

/** `syncFolder` for a folder with many concurrent changes: callers during a flush share the next one. */
export function syncFolderTogether(folder: string): Promise<void> {
  const next = nextSyncs.get(folder);
  if (next) return next;
  const current = currentSyncs.get(folder);
  if (!current) return startSync(folder);
  const following = current
    .catch(() => undefined)
    .then(() => {
      nextSyncs.delete(folder);
      return startSync(folder);
    });
  nextSyncs.set(folder, following);
  return following;
}

function startSync(folder: string): Promise<void> {
  const sync = syncFolder(folder).finally(() => {
    if (currentSyncs.get(folder) === sync) currentSyncs.delete(folder);
  });
  currentSyncs.set(folder, sync);
  return sync;
}

/** Removes a file if it exists. `rm` with `force` makes two more system calls. */
export async function removeFile(file: string): Promise<void> {
  try {
    await unlink(file);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

/** Creates a folder and flushes its name if it is new. */
export async function makeFolder(folder: string): Promise<void> {
  const firstMade = await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  if (firstMade !== undefined) await syncFolder(path.dirname(firstMade));
}

/**
 * Replaces a file atomically: after a crash it is either the old or the new one. It is durably the new one
 * only after a flush of its folder.
 * @param temporary unused name in the same folder for the new content
 * @param mayReplace called when the content is on disk; if it throws, the old file stays
 */
export async function replaceFile(
  file: string,
  temporary: string,
  content: string,
  mayReplace: () => Promise<void>,
): Promise<void> {
  await writeAside(temporary, 'w', content, async (written) => {
    await sync(written);
    await mayReplace();
    // In a thread: freeing the blocks of the replaced file may wait for the disk.
    await rename(temporary, file);
  });
}

/**
 * Creates a file. On return the file, its name and the name of its folder are durable. A crash may leave the
 * complete content under the temporary name.
 * @param temporary name in the same folder for the content
 * @param mayPut called when the content is on disk; if it throws, no file is created
 * @returns false when the temporary name is taken
 */
export async function putNewFile(
  file: string,
  temporary: string,
  content: string,
  mayPut: () => Promise<void>,
): Promise<boolean> {
  const folder = path.dirname(file);
  try {
    await writeAside(temporary, 'wx', content, async (written) => {
      // With the file first, one commit of the file system's journal covers the names as well.
      await sync(written);
      await Promise.all([syncFolder(folder), syncFolderTogether(path.dirname(folder))]);
      // Yields: all callers that shared a flush continue at the same time.
      await turnForRequest();
      await mayPut();
      fs.renameSync(temporary, file);
    });
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Writes a temporary file and publishes it with `put`; removes it on failure. */
async function writeAside(
  temporary: string,
  flags: 'w' | 'wx',
  content: string,
  put: (written: number) => Promise<void>,
): Promise<void> {
  const exclusive = flags === 'wx' ? constants.O_EXCL : constants.O_TRUNC;
  const written = await open(temporary, NEW_FILE | exclusive, FILE_MODE);
  try {
    if (content.length > SHORT_TEXT) await write(written, content);
    else fs.writeFileSync(written, content);
    await put(written);
  } catch (error) {
    await removeFile(temporary).catch(() => undefined);
    throw error;
  } finally {
    fs.closeSync(written);
  }
}

/** Creates a file that is complete as soon as it is visible. @throws EEXIST when the name is taken */
export async function linkNewFile(file: string, temporary: string, content: string): Promise<void> {
  const written = await open(temporary, NEW_FILE | constants.O_TRUNC, FILE_MODE);
  try {
    fs.writeFileSync(written, content);
    fs.linkSync(temporary, file);
  } finally {
    fs.closeSync(written);
    fs.unlinkSync(temporary);
  }
}
