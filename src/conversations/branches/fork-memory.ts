import { constants } from 'node:fs';
import { copyFile, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { makeFolder } from '../../files/index.js';
import { storageFailure } from '../../storage/index.js';

/** Long outputs that events name by their path. */
const OUTPUTS_FOLDER = 'observations';
/** What its sub-agents did, so that their tasks can go on. */
const SUB_AGENT_LOGS_FOLDER = 'tasks';
/** The list of the task tracker. */
const TASK_LIST_FILE = 'TASKS.json';

/** Outputs beyond this are not copied: a fork answers while its client waits. */
const MAX_FILES = 2_000;
const MAX_BYTES = 256 * 1024 * 1024;

/** Folders of a conversation and of its fork (absolute paths). */
export interface ForkFolders {
  source: string;
  fork: string;
}

/**
 * Copies what an agent keeps beside its log: its tasks, unless the fork begins at an earlier time than they
 * are of, and the outputs that it was told to read in files.
 * @throws StorageFailedError
 * @returns turns a line of the source's log into one of the fork's: its own outputs are what it names
 */
export async function copyAgentFiles(
  folders: ForkFolders,
  whole: boolean,
): Promise<(line: string) => string> {
  if (whole)
    await copyIfThere(path.join(folders.source, TASK_LIST_FILE), path.join(folders.fork, TASK_LIST_FILE));
  await copyOutputs(
    path.join(folders.source, SUB_AGENT_LOGS_FOLDER),
    path.join(folders.fork, SUB_AGENT_LOGS_FOLDER),
  );
  const copied = await copyOutputs(
    path.join(folders.source, OUTPUTS_FOLDER),
    path.join(folders.fork, OUTPUTS_FOLDER),
  );
  if (!copied) return (line) => line;
  // The names of these folders are ids, which nothing else is called by.
  const theirs = `${path.basename(folders.source)}/${OUTPUTS_FOLDER}`;
  const own = `${path.basename(folders.fork)}/${OUTPUTS_FOLDER}`;
  return (line) => line.replaceAll(theirs, own);
}

/** All or nothing; false when there are none, or too many. */
async function copyOutputs(from: string, to: string): Promise<boolean> {
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

/** Without a second copy of the bytes where the file system can do that. */
async function copyIfThere(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw storageFailure(error);
  }
}
