import { type FSWatcher, watch } from 'node:fs';
import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { PathHandle, readPlainFile, type FileRules } from '../../files/index.js';
import { IgnoreRules } from '../../tools/index.js';
import type { WatchGap } from './watch-frames.js';

/** A folder that is watched, without those in it. */
export interface WatchedFolder {
  watcher: FSWatcher;
  /** Tells it apart from another one that takes its place. */
  inode: number;
  /** Its `.gitignore`; undefined without one. */
  ignore: IgnoreFile | undefined;
}

/** A `.gitignore`. */
interface IgnoreFile {
  rules: IgnoreRules;
  /** Changes with the file. */
  stamp: string;
}

/** What was found in a folder when its watch began. */
export interface FolderContent {
  folder: WatchedFolder;
  /** Names of the folders in it. */
  folders: string[];
}

/** The name by which events are about the folder itself. */
export const SELF = '.';
const RULES_FILE = '.gitignore';
/** A larger one (bytes) is not read. */
const MAX_IGNORE_BYTES = 64 * 1024;

/**
 * Watches one folder, of which a handle makes sure that it is what the path should lead to: no link takes the
 * watch elsewhere. It is watched before it is read, so that nothing is missed in between.
 * @param real where it has to be
 * @param changed called with the name of what has changed in it, or `SELF`
 * @returns why it is not watched, or undefined if it is gone or something else
 */
export async function watchFolder(
  real: string,
  rules: FileRules,
  changed: (name: string) => void,
): Promise<FolderContent | WatchGap | undefined> {
  let handle: PathHandle;
  try {
    handle = await PathHandle.open(real, { links: 'refused', isFolder: true });
  } catch (error) {
    // A name that is no UTF-8 was read as another one, which there is not.
    const isMisread = errorCode(error) === 'ENOENT' && real.includes('\uFFFD');
    return isMisread || ['EACCES', 'EPERM', 'EMFILE', 'ENFILE'].includes(errorCode(error) ?? '')
      ? 'unreadable'
      : undefined;
  }
  try {
    if (handle.real !== real || rules.refusal(real, 'read', handle.stats) !== undefined) return undefined;
    const watcher = watch(`${handle.self}/${SELF}`, { persistent: false, encoding: 'utf8' }, (_, name) =>
      changed(name ?? SELF),
    );
    // It was removed; its parent tells that.
    watcher.on('error', () => watcher.close());
    try {
      const entries = await handle.entries();
      const hasRules = entries.some((entry) => entry.isFile() && entry.name === RULES_FILE);
      const ignore = hasRules ? await readRules(handle) : undefined;
      const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
      return { folder: { watcher, ignore, inode: handle.stats.ino }, folders };
    } catch (error) {
      watcher.close();
      throw error;
    }
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (code === 'ENOSPC' || code === 'EMFILE') return 'system-limit';
    return ['EACCES', 'EPERM'].includes(code) ? 'unreadable' : undefined;
  } finally {
    handle.close();
  }
}

/** The `.gitignore` of a folder; undefined if it has none, or it is no plain file. */
export async function readRules(folder: PathHandle): Promise<IgnoreFile | undefined> {
  // Before it is read: a change in between is seen as another one.
  const stamp = await rulesStamp(folder);
  if (stamp === undefined) return undefined;
  const text = await readPlainFile(folder.at(RULES_FILE), MAX_IGNORE_BYTES).catch(() => '');
  return { rules: new IgnoreRules(text), stamp };
}

/** Whether the `.gitignore` of a folder is not the one that was read. */
export async function hasOtherRules(folder: PathHandle, { ignore }: WatchedFolder): Promise<boolean> {
  return (await rulesStamp(folder)) !== ignore?.stamp;
}

async function rulesStamp(folder: PathHandle): Promise<string | undefined> {
  const stats = await lstat(folder.at(RULES_FILE)).catch(() => undefined);
  return stats?.isFile() ? `${stats.ino} ${stats.size} ${stats.mtimeMs}` : undefined;
}

/** The folder above a relative path; empty for the watched folder itself. */
export function parentOf(relative: string): string {
  const parent = path.dirname(relative);
  return parent === '.' ? '' : parent;
}

/** The relative path of an entry. */
export function entryOf(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
