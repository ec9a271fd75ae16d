import { type FSWatcher, watch } from 'node:fs';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { PathHandle, readPlainFile, type FileRules } from '../../files/index.js';
import { IgnoreRules } from './ignore-rules.js';
import type { WatchGap } from './watch-frames.js';

/** A folder that is watched, without those in it. */
export interface WatchedFolder {
  watcher: FSWatcher;
  /** Tells it apart from another one that takes its place. */
  inode: number;
  /** The rules of its `.gitignore`; undefined without one. */
  ignore: IgnoreRules | undefined;
}

/** What was found in a folder when its watch began. */
export interface FolderContent {
  folder: WatchedFolder;
  /** Names of the folders in it. */
  folders: string[];
}

/** The name by which events are about the folder itself. */
export const SELF = '.';
/** A larger `.gitignore` (bytes) is not read. */
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
    return ['EACCES', 'EPERM', 'EMFILE', 'ENFILE'].includes(errorCode(error) ?? '')
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
      const hasRules = entries.some((entry) => entry.isFile() && entry.name === '.gitignore');
      const ignore = hasRules ? await readRules(handle.at('.gitignore')) : undefined;
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

/** The rules in a `.gitignore`; undefined if it is no plain file, is too large or has none. */
export async function readRules(file: string): Promise<IgnoreRules | undefined> {
  const text = await readPlainFile(file, MAX_IGNORE_BYTES).catch(() => '');
  const rules = new IgnoreRules(text);
  return rules.isEmpty ? undefined : rules;
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
