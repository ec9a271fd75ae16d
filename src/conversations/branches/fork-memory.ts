import { constants } from 'node:fs';
import { copyFile, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { makeFolder } from '../../files/index.js';
import { toStorageError } from '../../storage/index.js';

/** Long outputs. Events refer to them by path. */
const OUTPUTS_FOLDER = 'observations';
/** Logs of sub-agents, from which their tasks can be resumed. */
const SUB_AGENT_LOGS_FOLDER = 'tasks';
/** The list of the task tracker. */
const TASK_LIST_FILE = 'TASKS.json';

/** Larger folders are not copied: the client waits for the fork. */
const MAX_FILES = 2_000;
const MAX_BYTES = 256 * 1024 * 1024;

/** The folders of a conversation and its fork (absolute paths). */
interface ForkFolders {
  source: string;
  fork: string;
}

/**
 * Copies the files that an agent keeps next to its log: the task list (only with the whole history), the logs
 * of sub-agents and long outputs.
 * @param whole the fork gets the whole history
 * @returns adapts a line of the source's log for the fork: paths of outputs point to the copies
 * @throws StorageFailedError
 */
export async function copyAgentFiles(
  folders: ForkFolders,
  whole: boolean,
): Promise<(line: string) => string> {
  if (whole)
    await copyIfThere(path.join(folders.source, TASK_LIST_FILE), path.join(folders.fork, TASK_LIST_FILE));
  await copyFiles(
    path.join(folders.source, SUB_AGENT_LOGS_FOLDER),
    path.join(folders.fork, SUB_AGENT_LOGS_FOLDER),
  );
  const copied = await copyFiles(
    path.join(folders.source, OUTPUTS_FOLDER),
    path.join(folders.fork, OUTPUTS_FOLDER),
  );
  if (!copied) return (line) => line;
  // The folder names are ids, which do not occur elsewhere with this suffix.
  const sourcePath = `${path.basename(folders.source)}/${OUTPUTS_FOLDER}`;
  const forkPath = `${path.basename(folders.fork)}/${OUTPUTS_FOLDER}`;
  return (line) => line.replaceAll(sourcePath, forkPath);
}

/** Copies all files of a folder. Returns false without copying if there are none or too many. */
async function copyFiles(from: string, to: string): Promise<boolean> {
  const names = await filesIn(from);
  if (names.length === 0 || names.length > MAX_FILES) return false;
  const sizes = await Promise.all(names.map(async (name) => (await stat(path.join(from, name))).size));
  if (sizes.reduce((sum, size) => sum + size, 0) > MAX_BYTES) return false;
  await makeFolder(to);
  for (const name of names) await copyIfThere(path.join(from, name), path.join(to, name));
  return true;
}

async function filesIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Shares the bytes where the file system supports it (copy-on-write). */
async function copyIfThere(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw toStorageError(error);
  }
}
