import { copyFile, link, readdir } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder, undefinedIfMissing } from '../../files/index.js';
import { STEPS_FILE } from './checkpoint-log.js';
import { OBJECTS_FOLDER } from './object-store.js';

const FOLDER_MODE = 0o700;

/** Copies the checkpoints of a conversation for another one. Contents never change, so both share them. */
export async function copyCheckpoints(from: string, to: string): Promise<void> {
  const objects = await readdir(path.join(from, OBJECTS_FOLDER)).catch(undefinedIfMissing);
  await makeFolder(path.join(to, OBJECTS_FOLDER), FOLDER_MODE);
  for (const name of objects ?? []) {
    const [source, target] = [from, to].map((folder) => path.join(folder, OBJECTS_FOLDER, name)) as [
      string,
      string,
    ];
    // Some file systems have no second names for a file.
    await link(source, target).catch(() => copyFile(source, target));
  }
  await copyFile(path.join(from, STEPS_FILE), path.join(to, STEPS_FILE)).catch(undefinedIfMissing);
}
