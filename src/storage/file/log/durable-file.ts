import fs, { constants } from 'node:fs';
import { mkdir, rename, unlink } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { errorCode } from '../../../errors/index.js';
import { PLAIN } from '../../../files/index.js';
import { turnForRequest } from '../../../flow/index.js';
import { FILE_MODE, FOLDER_MODE } from '../conversation-folder.js';

/*
 * What waits for the disk, or makes a file, goes by way of a thread of the process. What only changes a page
 * or a name that is in memory (a short write, a rename, a close) is done at once: the way to the thread and
 * back takes longer than that.
 */
const open = promisify(fs.open);
const write = promisify(fs.writeFile);
const sync = promisify(fs.fsync);

/** Nothing is written through a link, or waits for a pipe. */
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | PLAIN;

/** A text of so many UTF-16 units is copied faster than a thread answers. */
const SHORT_TEXT = 64 * 1024;

/** Makes the names in a folder durable: a new or renamed file may otherwise be gone after a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const file = fs.openSync(folder, 'r');
  try {
    await sync(file);
  } finally {
    fs.closeSync(file);
  }
}

/** The sync of a folder that begins when the one that is under way has ended. */
const nextSyncs = new Map<string, Promise<void>>();
const currentSyncs = new Map<string, Promise<void>>();

/**
 * `syncFolder` for a folder in which many things are made at once: all that ask while one sync is under way
 * share the next.
 */
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

/** Removes a file if it is there. `rm` with `force` would look at it twice first. */
export async function removeFile(file: string): Promise<void> {
  try {
    await unlink(file);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

/** Makes a folder, and its name durable if it is new. */
export async function makeFolder(folder: string): Promise<void> {
  const firstMade = await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  if (firstMade !== undefined) await syncFolder(path.dirname(firstMade));
}

/**
 * Replaces a file so that after a crash it is either the old or the new one, whole. It is the new one for
 * sure when its folder was synced afterwards.
 * @param temporary name for the new content in the same folder, not used by anybody else
 * @param mayReplace asked after the content is on disk; when it throws, the old file stays
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
    // What it takes the place of has to be given back to the disk.
    await rename(temporary, file);
  });
}

/**
 * Puts a file where there is none. When it is done the file is durable, and so are its name and that of its
 * folder. After a crash on the way the whole content may stand under the temporary name, durable, too.
 * @param temporary name for the content in the same folder
 * @param mayPut asked after the content is on disk; when it throws, there is no file
 * @returns false when something has the temporary name
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
      // One commit of a journal has all of it, if the file comes first: then the folders find their names
      // written.
      await sync(written);
      await Promise.all([syncFolder(folder), syncFolderTogether(path.dirname(folder))]);
      // All that have waited for the same sync come here in one moment.
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

/** Writes a file and has it put in its place; what fails leaves nothing of it. */
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

/** Makes a file that is complete from the first moment. @throws EEXIST when the name is taken */
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
