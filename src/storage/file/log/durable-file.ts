import fs, { constants } from 'node:fs';
import { mkdir, unlink } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { errorCode } from '../../../errors/index.js';
import { PLAIN, replaceFile, syncFolder, syncFolderTogether } from '../../../files/index.js';
import { turnForRequest } from '../../../flow/index.js';
import { FILE_MODE, FOLDER_MODE } from '../conversation-folder.js';

/*
 * Calls that wait for the disk or create a file use the thread pool. Calls that only change memory of the
 * kernel (a short write, a rename, a close) are synchronous: the way to a thread and back takes longer.
 */
const open = promisify(fs.open);

/** Neither follows a link nor blocks on a pipe. */
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | PLAIN;

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
    await replaceFile(file, content, {
      temporary,
      isNew: true,
      mode: FILE_MODE,
      flush: 'content',
      beforeRename: async () => {
        // With the file first, one commit of the file system's journal covers the names as well.
        await Promise.all([syncFolder(folder), syncFolderTogether(path.dirname(folder))]);
        // Yields: all callers that shared a flush continue at the same time.
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
