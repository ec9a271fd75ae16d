import { randomBytes } from 'node:crypto';
import fs, { constants, type Stats } from 'node:fs';
import { lstat, realpath, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { errorCode } from '../errors/index.js';
import { PLAIN } from './plain-file.js';
import { syncFolder } from './sync-folder.js';

const open = promisify(fs.open);
const close = promisify(fs.close);
const write = promisify(fs.writeFile);
const sync = promisify(fs.fsync);

/** Writing up to this many UTF-16 units takes less time than a round trip to a thread. */
const SHORT_TEXT = 64 * 1024;

/** The content of a file, as a whole or in parts. */
export type FileContent = string | Uint8Array | Iterable<string> | AsyncIterable<string | Uint8Array>;

/** How a file is replaced. */
interface ReplaceOptions {
  /**
   * Permissions of the new file. Without it, permissions and owner of the replaced file are kept, and a file
   * that did not exist gets the permissions that are usual for the process.
   */
  mode?: number;
  /** Replaces a symbolic link itself. Otherwise the link stays and its target is replaced. */
  replacesLink?: boolean;
  /**
   * `content`: flushed before the rename, so that after a crash there is the whole old or the whole new file.
   * `content and name`: the folder is flushed, too, so that there is the new file once this has resolved.
   */
  flush?: 'content' | 'content and name';
  /** Path for the new content, in the same folder and used by nobody else. Default: a random hidden name. */
  temporary?: string;
  /** There is no such file yet, and the temporary name must not exist. */
  isNew?: boolean;
  /** Called when the content is written and flushed, before the rename. If it throws, the old file stays. */
  beforeRename?: () => Promise<void>;
}

/**
 * Writes a file so that readers see the whole old or the whole new content: into a file beside it, which is
 * then renamed. The folder has to exist. On failure nothing is left behind.
 * @throws the error of the file system, whatever `content` or `beforeRename` throw
 */
export async function replaceFile(
  file: string,
  content: FileContent,
  options: ReplaceOptions = {},
): Promise<void> {
  const { mode, replacesLink = false, flush, isNew = false } = options;
  const target = replacesLink || isNew ? file : await resolveLink(file);
  const { dir, base } = path.parse(target);
  const temporary = options.temporary ?? path.join(dir, temporaryName(base));
  const before = mode === undefined && !isNew ? await statIfThere(target, replacesLink) : undefined;
  const exclusive = isNew || options.temporary === undefined ? constants.O_EXCL : constants.O_TRUNC;
  // Nothing is written through a link, and the open does not wait for the reader of a pipe.
  const flags = constants.O_WRONLY | constants.O_CREAT | exclusive | PLAIN;
  const fd = await open(temporary, flags, mode ?? 0o666);
  try {
    try {
      await writeContent(fd, content);
      if (before?.isFile()) keepOwnerAndMode(fd, before);
      if (flush !== undefined) await sync(fd);
    } finally {
      // On network file systems a close writes what was not flushed.
      if (flush === undefined) await close(fd);
      else fs.closeSync(fd);
    }
    await options.beforeRename?.();
    // A rename of a new file only changes names in memory; otherwise the replaced file is freed on disk.
    if (isNew) fs.renameSync(temporary, target);
    else await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  if (flush === 'content and name') await syncFolder(dir);
}

/** A random hidden name for the new content of a file, in the same folder. */
export function temporaryName(name: string): string {
  return `.${name}.${randomBytes(4).toString('hex')}.tmp`;
}

/** The path of what a symbolic link leads to; of a file that does not exist, its own. */
export async function resolveLink(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return file;
    throw error;
  }
}

async function writeContent(fd: number, content: FileContent): Promise<void> {
  if (typeof content === 'string' && content.length <= SHORT_TEXT) fs.writeFileSync(fd, content);
  else if (typeof content === 'string' || content instanceof Uint8Array) await write(fd, content);
  else for await (const part of content) await write(fd, part);
}

async function statIfThere(file: string, isLink: boolean): Promise<Stats | undefined> {
  try {
    return await (isLink ? lstat(file) : stat(file));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function keepOwnerAndMode(fd: number, before: Stats): void {
  const now = fs.fstatSync(fd);
  if (now.uid !== before.uid || now.gid !== before.gid) {
    try {
      fs.fchownSync(fd, before.uid, before.gid);
    } catch {
      // Only root may give files away. The new file belongs to the process then.
    }
  }
  // Without the bits that let others run it as its owner: writing to a file removes them as well.
  fs.fchmodSync(fd, before.mode & 0o777);
}
