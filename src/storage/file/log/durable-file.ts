import fs, { constants } from 'node:fs';
import { mkdir, unlink } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { errorCode } from '../../../errors/index.js';
import { PLAIN, replaceFile, syncFolder, syncFolderTogether } from '../../../files/index.js';
import { turnForRequest } from '../../../flow/index.js';
import { FILE_MODE, FOLDER_MODE } from '../catalogue/conversation-folder.js';

/*
 * What waits for the disk, or makes a file, goes by way of a thread of the process. What only changes a page
 * or a name that is in memory (a short write, a rename, a close) is done at once: the way to the thread and
 * back takes longer than that.
 */
const open = promisify(fs.open);

/** Nothing is written through a link, or waits for a pipe. */
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | PLAIN;

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
    await replaceFile(file, content, {
      temporary,
      isNew: true,
      mode: FILE_MODE,
      flush: 'content',
      beforeRename: async () => {
        // One commit of a journal has all of it, if the file comes first: then the folders find their names
        // written.
        await Promise.all([syncFolder(folder), syncFolderTogether(path.dirname(folder))]);
        // All that have waited for the same sync come here in one moment.
        await turnForRequest();
        await mayPut();
      },
    });
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
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
