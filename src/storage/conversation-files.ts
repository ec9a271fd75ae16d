import { copyFile, lstat, open, readdir, readlink, rename, rm, symlink, utimes } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder, syncFolder, undefinedIfMissing } from '../files/index.js';

/** What the drivers keep in the folder of a conversation (docs/operation.md): it is not copied as a file. */
const OF_DRIVERS = new Set([
  'events.jsonl',
  'events.index',
  'metadata.json',
  'metadata.json.first',
  'unfinished',
  'owner_lease.json',
  'bash_events',
]);
const FOLDER_MODE = 0o700;

/**
 * Copies the own files of a conversation: long outputs, logs of sub-agents. Files that are there with the
 * same size and time are left; a file appears with its whole content.
 * @returns the number of files that were copied
 */
export async function copyConversationFiles(from: string, to: string): Promise<number> {
  return copyFolder(from, to, OF_DRIVERS);
}

async function copyFolder(from: string, to: string, without: ReadonlySet<string>): Promise<number> {
  const entries = (await readdir(from, { withFileTypes: true }).catch(undefinedIfMissing)) ?? [];
  let copied = 0;
  for (const entry of entries) {
    if (without.has(entry.name)) continue;
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)];
    await makeFolder(to, FOLDER_MODE);
    if (entry.isDirectory()) copied += await copyFolder(source, target, new Set());
    else if (entry.isSymbolicLink()) copied += await copyLink(source, target);
    // Pipes and sockets have no content.
    else if (entry.isFile()) copied += await copyWhole(source, target);
  }
  if (copied > 0) await syncFolder(to);
  return copied;
}

async function copyLink(source: string, target: string): Promise<number> {
  if ((await lstat(target).catch(undefinedIfMissing)) !== undefined) return 0;
  await symlink(await readlink(source), target);
  return 1;
}

async function copyWhole(source: string, target: string): Promise<number> {
  const [wanted, there] = [await lstat(source), await lstat(target).catch(undefinedIfMissing)];
  if (there?.isFile() && there.size === wanted.size && sameSecond(there.mtimeMs, wanted.mtimeMs)) return 0;
  const temporary = `${target}.move.tmp`;
  try {
    await copyFile(source, temporary);
    await utimes(temporary, wanted.atime, wanted.mtime);
    const handle = await open(temporary, 'r+');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return 1;
}

/** Some file systems keep whole seconds only. */
function sameSecond(a: number, b: number): boolean {
  return Math.abs(a - b) < 1000;
}
