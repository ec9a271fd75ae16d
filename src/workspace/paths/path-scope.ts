import { lstat, realpath, stat, type FileHandle } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import {
  FileRefusal,
  isInside,
  NotAFileError,
  PathHandle,
  type FileAccess,
  type FileIdentity,
  type FileRules,
} from '../../files/index.js';
import { FileMissingError, NoFolderError, UnusablePathError } from './path-errors.js';
import { assertNoCredentials } from './path-guard.js';

/** A resolved path. */
export interface Located {
  /** Absolute, without symbolic links and dots. Missing parts are at its end. */
  path: string;
  /** The deepest existing parent. */
  existing: string;
  /** The names below it that do not exist. */
  missing: string[];
  /** The kind of `path`. */
  kind: 'file' | 'folder' | 'other' | 'missing';
}

/** A file inside the scope that is open for reading. */
export interface OpenedFile {
  handle: FileHandle;
  /** Its real path. */
  path: string;
  /** A path that reads exactly this file, even if its real path changes. */
  source: string;
  stats: Stats;
}

const NOT_ABSOLUTE = 'Path must be absolute';

/** Which paths clients may use on a group of routes. */
interface PathScopeOptions {
  /** Only paths in this folder are allowed; undefined allows all. */
  root?: string;
  /** Creates the error for a path outside. `what` names the parameter. */
  outside: (what: string) => Error;
  /** What the sandbox allows of them. */
  rules?: FileRules;
  /** The base of relative paths; undefined rejects them. */
  base?: string;
  /** The base of paths that begin with `./`, where other relative paths are rejected. */
  dotBase?: string;
}

/** Maximum length of a path (bytes; on Linux 4096 with the final zero). */
const MAX_PATH = 4095;
/** Where Linux lists the open files of the process. */
const HANDLES = '/proc/self/fd';

/**
 * Checks absolute paths from clients: resolves each name as the system does and follows links, so that `..`
 * after a link has its real meaning. Opened files are checked again by their handle, because their path may
 * have changed meanwhile.
 */
export class PathScope {
  constructor(readonly options: PathScopeOptions) {}

  /**
   * Resolves a path.
   * @param what the name of the parameter
   * @throws UnusablePathError, NoFolderError, FileRefusal, the error for paths outside, and errors of the
   *   system
   */
  async locate(given: string, what = 'path'): Promise<Located> {
    const absolute = this.absolute(given, what);
    const located = await walk(absolute).catch(async (error: unknown) => {
      // Does not reveal what exists outside.
      await this.assertIsInside(path.normalize(absolute), what);
      this.assertAllowed(path.normalize(absolute), 'read');
      throw error;
    });
    await this.assertIsInside(located.path, what);
    this.assertAllowed(located.path, 'read');
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
   * @throws FileMissingError when it is gone or not a plain file, CredentialsFileError, FileRefusal, the
   *   error for paths outside
   */
  async openFile(file: string): Promise<OpenedFile> {
    assertNoCredentials(file.split(path.sep));
    try {
      // Not through a link: `locate` has resolved all links.
      const found = await PathHandle.open(file, { links: 'refused' });
      try {
        await this.verify(found);
        assertNoCredentials(found.real.split(path.sep));
        const handle = await found.openFile();
        return { handle, path: found.real, source: handlePath(handle) ?? found.real, stats: found.stats };
      } finally {
        found.close();
      }
    } catch (error) {
      const isGone = ['ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR'].includes(errorCode(error) ?? '');
      throw isGone || error instanceof NotAFileError ? new FileMissingError('File not found') : error;
    }
  }

  /** Checks what a handle holds. @throws FileRefusal, the error for paths outside */
  async verify(found: PathHandle): Promise<void> {
    await this.assertIsInside(found.real, 'path');
    this.assertAllowed(found.real, 'read', found.stats);
  }

  /** @throws FileRefusal */
  assertAllowed(real: string, access: FileAccess, found?: FileIdentity): void {
    const reason = this.options.rules?.refusal(real, access, found);
    if (reason !== undefined) throw new FileRefusal(real, access, reason);
  }

  private absolute(given: string, what: string): string {
    const { base, dotBase, root, outside } = this.options;
    if (given.includes('\0')) throw root === undefined ? new UnusablePathError(NOT_ABSOLUTE) : outside(what);
    if (path.isAbsolute(given)) return given;
    // Not `path.join`, which would remove the dots.
    if (base !== undefined) return `${base}/${given}`;
    if (dotBase !== undefined && given.startsWith('./')) return `${dotBase}/${given}`;
    throw root === undefined ? new UnusablePathError(NOT_ABSOLUTE) : outside(what);
  }

  private async assertIsInside(real: string, what: string): Promise<void> {
    const { root, outside } = this.options;
    if (root === undefined) return;
    const realRoot = await realpath(root).catch(() => undefined);
    if (realRoot === undefined || !isInside(realRoot, real)) throw outside(what);
  }
}

/** A path for the file that a handle is open on; only on Linux. */
function handlePath(handle: FileHandle): string | undefined {
  return process.platform === 'linux' ? `${HANDLES}/${handle.fd}` : undefined;
}

/** Resolves a path name by name, as the system does. */
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
  // Created name by name it could exist, but no call could open or remove it.
  if (Buffer.byteLength(whole) > MAX_PATH)
    throw Object.assign(new Error('the path is too long'), { code: 'ENAMETOOLONG' });
  return { path: whole, existing, missing, kind };
}

/** Resolves a name in a folder; undefined if it does not exist. */
async function follow(folder: string, name: string): Promise<string | undefined> {
  const next = path.join(folder, name);
  try {
    return await realpath(next);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOTDIR' || code === 'ELOOP') throw new NoFolderError();
    if (code !== 'ENOENT') throw error;
    // A dangling link: a file created through it could be anywhere.
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
