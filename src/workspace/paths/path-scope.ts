import { lstat, open, readlink, realpath, stat, type FileHandle } from 'node:fs/promises';
import { constants, type Stats } from 'node:fs';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { isInside } from '../../files/index.js';
import { assertNoCredentials, FileMissingError } from './path-guard.js';

/** What a path leads to. */
export interface Located {
  /** Absolute, without symbolic links and dots; what is missing stands at its end. */
  path: string;
  /** The deepest part of it that exists. */
  existing: string;
  /** Names below it that do not exist. */
  missing: string[];
  /** Of `path`; `missing` also where a link leads nowhere. */
  kind: 'file' | 'folder' | 'other' | 'missing';
}

/** A file that is open for reading, and was found inside. */
export interface OpenedFile {
  handle: FileHandle;
  /** Where it is. */
  path: string;
  /** A name under which just this file can be read, whatever happens to its path. */
  source: string;
  stats: Stats;
}

/** The path is not absolute, or no path at all. */
export class NotAbsoluteError extends Error {
  override readonly name = 'NotAbsoluteError';
  constructor() {
    super('Path must be absolute');
  }
}

/** A part of the path that would have to be a folder is none, or leads nowhere. */
export class NoFolderError extends Error {
  override readonly name = 'NoFolderError';
  constructor() {
    super('A parent of the path is not a directory');
  }
}

/** The paths that clients of a group of routes may name. */
export interface PathScopeOptions {
  /** What lies outside this folder does not exist for them; undefined: everything is inside. */
  root?: string;
  /** What is thrown for a path that leads outside. `what` names the parameter. */
  outside: (what: string) => Error;
  /** Where relative paths begin; undefined: they are refused. */
  base?: string;
}

/** Bytes of a path that systems still take (Linux: 4096 with the zero at its end). */
const MAX_PATH = 4095;
/** Where Linux shows what a file handle is open on. */
const HANDLES = '/proc/self/fd';

/**
 * The check of absolute paths of clients, in whatever spelling: each name is looked at as the system would,
 * links followed, so that `..` after a link means what it means there. What is opened is looked at once more
 * behind its handle, because its path may lead elsewhere by then.
 */
export class PathScope {
  constructor(readonly options: PathScopeOptions) {}

  /**
   * Finds out where a path leads.
   * @param what the parameter that it came in
   * @throws NotAbsoluteError, NoFolderError, the error for paths outside, and errors of the system
   */
  async locate(given: string, what = 'path'): Promise<Located> {
    const absolute = this.absolute(given, what);
    const located = await walk(absolute).catch(async (error: unknown) => {
      // What there is outside is nobody's business.
      await this.assertIsInside(path.normalize(absolute), what);
      throw error;
    });
    await this.assertIsInside(located.path, what);
    return located;
  }

  /** @throws the error for paths outside */
  async assertInside(given: string, what: string): Promise<void> {
    await this.locate(given, what).catch((error: unknown) => {
      if (error instanceof NoFolderError) throw this.options.outside(what);
      throw error;
    });
  }

  /**
   * Opens a file that `locate` found, for reading.
   * @throws FileMissingError when it is gone or no plain file (any more), CredentialsFileError, the error for
   *   paths outside
   */
  async openFile(file: string): Promise<OpenedFile> {
    assertNoCredentials(file.split(path.sep));
    // A pipe must not keep us waiting for its other end, and a link is no file that `locate` would have
    // found.
    const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;
    const handle = await open(file, flags).catch((error: unknown) => {
      const code = errorCode(error) ?? '';
      if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'ENODEV'].includes(code))
        throw new FileMissingError('File not found');
      throw error;
    });
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) throw new FileMissingError('File not found');
      const actual = await this.verify(handle, file);
      assertNoCredentials(actual.split(path.sep));
      return { handle, path: actual, source: handlePath(handle) ?? actual, stats };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Checks what a handle is open on; answers its path. Without /proc the path that was opened has to do. */
  async verify(handle: FileHandle, opened: string): Promise<string> {
    const source = handlePath(handle);
    const actual = source === undefined ? opened : await readlink(source).catch(() => opened);
    await this.assertIsInside(actual, 'path');
    return actual;
  }

  private absolute(given: string, what: string): string {
    const { base, root, outside } = this.options;
    if (given.includes('\0')) throw root === undefined ? new NotAbsoluteError() : outside(what);
    if (path.isAbsolute(given)) return given;
    // Not joined in a way that would take the dots away.
    if (base !== undefined) return `${base}/${given}`;
    throw root === undefined ? new NotAbsoluteError() : outside(what);
  }

  private async assertIsInside(real: string, what: string): Promise<void> {
    const { root, outside } = this.options;
    if (root === undefined) return;
    const realRoot = await realpath(root).catch(() => undefined);
    if (realRoot === undefined || !isInside(realRoot, real)) throw outside(what);
  }
}

/** The name of what a handle is open on, where the system has one (Linux). */
export function handlePath(handle: FileHandle): string | undefined {
  return process.platform === 'linux' ? `${HANDLES}/${handle.fd}` : undefined;
}

/** Follows a path name by name, as the system does. */
async function walk(absolute: string): Promise<Located> {
  let existing = '/';
  const missing: string[] = [];
  for (const name of absolute.split('/')) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (missing.length > 0) missing.pop();
      else existing = path.dirname(existing);
    } else if (missing.length > 0) {
      missing.push(name);
    } else {
      const next = await follow(existing, name);
      if (next === undefined) missing.push(name);
      else existing = next;
    }
  }
  const kind = missing.length > 0 ? 'missing' : kindOf(await stat(existing));
  const whole = path.join(existing, ...missing);
  // Made name by name it would come to be, and then nobody could open or remove it.
  if (Buffer.byteLength(whole) > MAX_PATH)
    throw Object.assign(new Error('the path is too long'), { code: 'ENAMETOOLONG' });
  return { path: whole, existing, missing, kind };
}

/** Where a name in a folder leads; undefined when there is none. */
async function follow(folder: string, name: string): Promise<string | undefined> {
  const next = path.join(folder, name);
  try {
    return await realpath(next);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOTDIR' || code === 'ELOOP') throw new NoFolderError();
    if (code !== 'ENOENT') throw error;
    // A link that leads nowhere: what is made behind it could be anywhere.
    const isLink = await lstat(next).then(
      () => true,
      () => false,
    );
    if (isLink) throw new NoFolderError();
    return undefined;
  }
}

function kindOf(stats: Stats): Located['kind'] {
  if (stats.isFile()) return 'file';
  return stats.isDirectory() ? 'folder' : 'other';
}
