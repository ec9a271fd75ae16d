import fs, { constants, type Dirent, type Stats } from 'node:fs';
import { lstat, open as openFile, readdir, realpath, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { errorCode } from '../../errors/index.js';
import { NotAFileError } from '../plain-file.js';

const open = promisify(fs.open);

/** Where Linux lists the open files of this process. */
export const HANDLES = '/proc/self/fd';
/** Linux: the handle only names a file. Neither a pipe nor a device is opened by it. */
export const O_PATH = 0o10000000;
const HAS_HANDLES = process.platform === 'linux' && fs.existsSync(HANDLES);
/** The kernel appends this to the path of a file that has been removed. */
const REMOVED = ' (deleted)';

/** What may be at the path that is opened. */
export interface HandleOptions {
  /**
   * A link as the last part of the path: `refused` is an error (ELOOP), `kept` holds the link itself. Those
   * before it are followed.
   */
  links?: 'followed' | 'refused' | 'kept';
  /** Anything but a folder is an error (ENOTDIR). */
  isFolder?: boolean;
}

/**
 * Holds the file, folder or other thing that a path led to when it was opened, whatever the path leads to
 * later. A check of its real path therefore holds for all that is done by means of it: reading, listing, and
 * working on entries of a folder (`at`).
 *
 * Systems without /proc, such as macOS, have no such handles: the real path is used again then, and whoever
 * replaces a folder on it at the right moment leads the access elsewhere. A file that is read is compared
 * with the one that was checked there.
 */
export class PathHandle {
  private constructor(
    private readonly fd: number | undefined,
    /** Absolute, without links, at the time of opening. */
    readonly real: string,
    readonly stats: Stats,
  ) {}

  /**
   * Close it.
   * @throws errors of the system; ENOENT for a file that is removed meanwhile
   */
  static async open(file: string, options: HandleOptions = {}): Promise<PathHandle> {
    const { links = 'followed', isFolder = false } = options;
    if (!HAS_HANDLES) return openByName(file, links, isFolder);
    const flags = (links === 'followed' ? 0 : constants.O_NOFOLLOW) | (isFolder ? constants.O_DIRECTORY : 0);
    const fd = await open(file, O_PATH | flags);
    try {
      // Synchronous: neither waits for a disk, and a round trip to a thread costs more than both.
      const stats = fs.fstatSync(fd);
      if (links === 'refused' && stats.isSymbolicLink()) throw systemError('ELOOP', file);
      return new PathHandle(fd, await realPathOf(fd, stats, file), stats);
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    }
  }

  /** A path that leads to exactly this file or folder, as long as the handle is open. */
  get self(): string {
    return this.fd === undefined ? this.real : `${HANDLES}/${this.fd}`;
  }

  /** The path of an entry of this folder. */
  at(name: string): string {
    return `${this.self}/${name}`;
  }

  /**
   * Opens this plain file for reading. Close the result; it does not need this handle.
   * @throws NotAFileError for anything but a plain file, which is not opened; EISDIR for a folder
   */
  async openFile(): Promise<FileHandle> {
    if (this.stats.isDirectory()) throw systemError('EISDIR', this.real);
    if (!this.stats.isFile()) throw new NotAFileError(this.real);
    const noLink = this.fd === undefined ? constants.O_NOFOLLOW : 0;
    const flags = constants.O_RDONLY | constants.O_NONBLOCK | noLink;
    const handle = await this.during(() => openFile(this.self, flags));
    try {
      const { dev, ino } = await handle.stat();
      if (dev !== this.stats.dev || ino !== this.stats.ino) throw systemError('ENOENT', this.real);
      return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** The entries of this folder. */
  entries(): Promise<Dirent[]> {
    return readdir(this.self, { withFileTypes: true });
  }

  /**
   * Does work on a path below this handle. Errors of the system name the real path instead of the handle.
   * @throws what the work throws
   */
  async during<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (this.fd !== undefined && isSystemError(error)) this.restorePaths(error);
      throw error;
    }
  }

  close(): void {
    if (this.fd !== undefined) fs.closeSync(this.fd);
  }

  private restorePaths(error: NodeJS.ErrnoException): void {
    error.message = error.message.replaceAll(`'${this.self}`, `'${this.real}`);
    if (error.path?.startsWith(this.self)) error.path = this.real + error.path.slice(this.self.length);
  }

  /** For systems without handles. */
  static named(real: string, stats: Stats): PathHandle {
    return new PathHandle(undefined, real, stats);
  }
}

async function openByName(
  file: string,
  links: 'followed' | 'refused' | 'kept',
  isFolder: boolean,
): Promise<PathHandle> {
  const parent = links === 'followed' ? undefined : await realpath(path.dirname(file));
  const real = parent === undefined ? await realpath(file) : path.join(parent, path.basename(file));
  const stats = await lstat(real);
  if (stats.isSymbolicLink() && links !== 'kept') throw systemError('ELOOP', file);
  if (isFolder && !stats.isDirectory()) throw systemError('ENOTDIR', file);
  return PathHandle.named(real, stats);
}

/**
 * The path of what a handle names. Sockets, pipes and the like without a name have none: theirs begins with
 * no slash.
 */
async function realPathOf(fd: number, stats: Stats, file: string): Promise<string> {
  const real = fs.readlinkSync(`${HANDLES}/${fd}`);
  if (!real.endsWith(REMOVED)) return real;
  // The name of a file may end like this, too.
  const named = await lstat(real).catch(() => undefined);
  if (named?.ino === stats.ino && named.dev === stats.dev) return real;
  throw systemError('ENOENT', file);
}

/** Whether an error comes from a call of the system. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return errorCode(error) !== undefined;
}

/** Texts of the errors that are made here, as Node has them. */
const TEXTS = {
  EISDIR: { errno: -21, text: 'illegal operation on a directory' },
  ELOOP: { errno: -40, text: 'too many symbolic links encountered' },
  ENOENT: { errno: -2, text: 'no such file or directory' },
  ENOTDIR: { errno: -20, text: 'not a directory' },
};

/** An error as Node makes it for a failed call of the system. */
export function systemError(code: keyof typeof TEXTS, file: string): NodeJS.ErrnoException {
  const { errno, text } = TEXTS[code];
  return Object.assign(new Error(`${code}: ${text}, open '${file}'`), { code, errno, path: file });
}
