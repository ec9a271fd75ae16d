import fs, { constants, type Dirent, type Stats } from 'node:fs';
import { lstat, mkdir, readlink, realpath, rename, rmdir, symlink, unlink } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { errorCode, errorMessage } from '../../errors/index.js';
import { isInside, NO_RULES, PathHandle, PLAIN, type FileRules } from '../../files/index.js';
import { hashOf } from '../store/object-store.js';
import type { FileVersion } from '../version.js';
import { isFilePath } from './workspace-path.js';

const read = promisify(fs.read);
const write = promisify(fs.writeFile);
const open = promisify(fs.open);

const PERMISSIONS = 0o777;
/** The last one for a link that was replaced by something else meanwhile. */
const MISSING = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EINVAL']);
const UNREADABLE = new Set(['EACCES', 'EPERM', 'EIO', 'ENAMETOOLONG', 'ERR_INVALID_ARG_VALUE']);

/** A file and its content; `bytes` is undefined if it is too large or may not be read. */
export interface FoundFile {
  version: FileVersion;
  stats: Stats;
  bytes?: Buffer;
}

/** What is at a path cannot be looked at, or cannot be there. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError';
}

/** Something is in the place of a file that is none: a folder, a pipe, a device, or a link to a folder. */
export class NotReplaceableError extends Error {
  override readonly name = 'NotReplaceableError';
}

/** Entries that are looked at in a folder that stands in the place of a file. */
const MAX_BELOW = 10_000;

/**
 * The files of a workspace by their paths below it. No link is followed, neither in a path nor as a file, so
 * that nothing outside is read or written, whatever programs put into the workspace meanwhile. Pipes and
 * devices are never opened, and other names of a file stay as they are when it is replaced.
 */
export class WorkspaceTree {
  private constructor(
    /** Real path; of a workspace that does not exist yet the path itself. */
    readonly root: string,
    readonly exists: boolean,
    private readonly rules: FileRules,
    private readonly maxFileBytes: number,
  ) {}

  /** @param folder the workspace as its agent names it */
  static async open(folder: string, maxFileBytes: number, rules = NO_RULES): Promise<WorkspaceTree> {
    const named = rules.onMachine?.(folder) ?? folder;
    const root = await realpath(named).catch(undefinedIfGone);
    return new WorkspaceTree(root ?? named, root !== undefined, rules, maxFileBytes);
  }

  /**
   * The paths below the workspace of a file that an agent names: of what its links lead to, which is written,
   * and of a link itself, which is removed. Undefined for one outside, and for parts of repositories.
   * @throws UnreadableError
   */
  async pathsOf(file: string): Promise<(string | undefined)[]> {
    const named = this.rules.onMachine?.(file) ?? file;
    try {
      const paths = [await realTarget(named)];
      if (isLink(named)) paths.push(path.join(await realTarget(path.dirname(named)), path.basename(named)));
      return [...new Set(paths.map((real) => this.below(real)))];
    } catch (error) {
      throw asUnreadable(error);
    }
  }

  private below(real: string): string | undefined {
    const below = path.relative(this.root, real);
    return isInside(this.root, real) && isFilePath(below) ? below : undefined;
  }

  /** Whether the agent may look into a folder. @param real its real path */
  isHidden(real: string): boolean {
    return this.rules.refusal(real, 'read') !== undefined;
  }

  /**
   * What is at a path; undefined for nothing, and for what is neither a file nor a link.
   * @throws UnreadableError
   */
  async find(file: string): Promise<FoundFile | undefined> {
    const stats = await this.stat(file);
    if (stats?.isSymbolicLink()) return this.findLink(file, stats);
    return stats?.isFile() ? this.findFile(file, stats) : undefined;
  }

  /** Of a link itself. Undefined for nothing. @throws UnreadableError */
  async stat(file: string): Promise<Stats | undefined> {
    return this.inFolder(file, (folder, name) => lstat(folder.at(name)));
  }

  /**
   * Everything but folders in a folder and those below it, with paths below the workspace.
   * @returns undefined if that is too much, or cannot be looked at
   */
  async filesBelow(folder: string): Promise<string[] | undefined> {
    const files: string[] = [];
    const folders = [folder];
    let left = MAX_BELOW;
    for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
      const at = next;
      const entries = await this.entriesOf(at);
      left -= entries?.length ?? Infinity;
      if (!entries || left < 0) return undefined;
      for (const entry of entries) (entry.isDirectory() ? folders : files).push(`${at}/${entry.name}`);
    }
    return files;
  }

  /** The part of the way to a file that exists and is no folder; undefined if there is none. */
  async obstacle(file: string): Promise<string | undefined> {
    const names = file.split('/');
    for (let depth = 1; depth < names.length; depth += 1) {
      const above = names.slice(0, depth).join('/');
      const stats = await this.stat(above);
      if (!stats) return undefined;
      if (!stats.isDirectory()) return above;
    }
    return undefined;
  }

  /**
   * Puts a version in the place of a file or of an empty folder, whole or not at all, and makes missing
   * folders.
   * @param mark part of the name of the temporary file, which a repetition after a crash uses again
   * @throws NotReplaceableError, errors of the system
   */
  async put(file: string, version: FileVersion, bytes: Buffer, mark: string): Promise<void> {
    assertFilePath(file);
    const folder = await this.openFolder(path.dirname(file), true);
    const temporary = folder.at(`.${mark}.tmp`);
    try {
      const name = path.basename(file);
      this.assertWritable(path.join(folder.real, name));
      const before = await lstat(folder.at(name)).catch(undefinedIfGone);
      if (before && !isReplaceable(before) && !before.isDirectory())
        throw new NotReplaceableError(`${file} is not a file`);
      await unlink(temporary).catch(undefinedIfGone);
      if (version.kind === 'link') await symlink(bytes, temporary);
      else await writeNew(temporary, bytes, version.mode & PERMISSIONS, before);
      if (before?.isDirectory()) await this.removeEmpty(file);
      await rename(temporary, folder.at(name));
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      throw error;
    } finally {
      folder.close();
    }
  }

  /** Removes a file. */
  async remove(file: string): Promise<void> {
    await this.inFolder(file, async (folder, name) => {
      this.assertWritable(path.join(folder.real, name));
      const before = await lstat(folder.at(name));
      if (!isReplaceable(before)) throw new NotReplaceableError(`${file} is not a file`);
      await unlink(folder.at(name));
    });
  }

  /** Removes the folders on the way to a file that are empty. */
  async prune(file: string): Promise<void> {
    for (let at = path.dirname(file); at !== '.'; at = path.dirname(at)) {
      const isRemoved = await this.inFolder(at, (folder, name) =>
        rmdir(folder.at(name)).then(
          () => true,
          () => false,
        ),
      );
      if (isRemoved === false) return;
    }
  }

  /** Removes a folder in which there is nothing but folders. @throws NotReplaceableError */
  private async removeEmpty(below: string): Promise<void> {
    const folders = [below];
    for (const at of folders) {
      for (const entry of (await this.entriesOf(at)) ?? []) {
        if (!entry.isDirectory() || folders.length > MAX_BELOW)
          throw new NotReplaceableError(`${below} is a folder that is not empty`);
        folders.push(`${at}/${entry.name}`);
      }
    }
    // None of them if something was put there meanwhile.
    for (const at of folders.toReversed()) await this.inFolder(at, (folder, name) => rmdir(folder.at(name)));
  }

  private entriesOf(below: string): Promise<Dirent[] | undefined> {
    assertFilePath(below);
    return this.openFolder(below, false)
      .then((folder) => folder.entries().finally(() => folder.close()))
      .catch(undefinedIfUnreadable);
  }

  private async findFile(file: string, stats: Stats): Promise<FoundFile | undefined> {
    const version: FileVersion = {
      kind: 'file',
      size: stats.size,
      mode: stats.mode & PERMISSIONS,
      hash: null,
    };
    if (stats.size > this.maxFileBytes) return { version, stats };
    const real = path.join(this.root, file);
    // What has been replaced by something else meanwhile is gone.
    const handle = await PathHandle.open(real, { links: 'refused' }).catch(undefinedIfGone);
    if (!handle) return undefined;
    try {
      if (handle.real !== real) return undefined;
      if (this.rules.refusal(real, 'read', handle.stats) !== undefined) return { version, stats };
      const opened = await handle.openFile().catch(undefinedIfUnreadable);
      if (!opened) return { version, stats: handle.stats };
      try {
        const now = await opened.stat();
        const bytes = await readAtMost(opened.fd, this.maxFileBytes);
        if (!bytes) return { version: { ...version, size: now.size }, stats: now };
        const mode = now.mode & PERMISSIONS;
        return {
          version: { kind: 'file', size: bytes.length, mode, hash: hashOf(bytes) },
          stats: now,
          bytes,
        };
      } finally {
        await opened.close();
      }
    } finally {
      handle.close();
    }
  }

  private async findLink(file: string, stats: Stats): Promise<FoundFile | undefined> {
    const bytes = await this.inFolder(file, async (folder, name) => {
      const target = await readlink(folder.at(name), { encoding: 'buffer' });
      const { ctimeMs } = await lstat(folder.at(name));
      return ctimeMs === stats.ctimeMs ? target : undefined;
    });
    if (!bytes) return undefined;
    return {
      version: { kind: 'link', size: bytes.length, mode: PERMISSIONS, hash: hashOf(bytes) },
      stats,
      bytes,
    };
  }

  /** Undefined if the folder, or what the work looks for in it, does not exist. */
  private async inFolder<T>(
    file: string,
    work: (folder: PathHandle, name: string) => Promise<T>,
  ): Promise<T | undefined> {
    assertFilePath(file);
    try {
      const folder = await this.openFolder(path.dirname(file), false);
      try {
        return await work(folder, path.basename(file));
      } finally {
        folder.close();
      }
    } catch (error) {
      if (MISSING.has(errorCode(error) ?? '')) return undefined;
      throw asUnreadable(error);
    }
  }

  /** Opens a folder below the workspace, part by part, without following links. */
  private async openFolder(below: string, make: boolean): Promise<PathHandle> {
    let at = await PathHandle.open(this.root, { isFolder: true });
    if (at.real !== this.root) {
      at.close();
      throw Object.assign(new Error(`${this.root} was replaced`), { code: 'ENOENT' });
    }
    for (const name of below === '.' ? [] : below.split('/')) {
      const outer = at;
      try {
        at = await openIn(outer, name, make);
      } finally {
        outer.close();
      }
    }
    return at;
  }

  private assertWritable(real: string): void {
    const reason = this.rules.refusal(real, 'write');
    if (reason !== undefined) throw new NotReplaceableError(`${real} may not be changed: ${reason}`);
  }
}

/** @throws UnreadableError */
function assertFilePath(file: string): void {
  if (!isFilePath(file)) throw new UnreadableError(`${JSON.stringify(file)} is no path of a workspace`);
}

async function openIn(outer: PathHandle, name: string, make: boolean): Promise<PathHandle> {
  if (make) {
    await mkdir(outer.at(name)).catch((error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw error;
    });
  }
  return PathHandle.open(outer.at(name), { links: 'refused', isFolder: true });
}

function isReplaceable(stats: Stats): boolean {
  return stats.isFile() || stats.isSymbolicLink();
}

async function writeNew(file: string, bytes: Buffer, mode: number, before: Stats | undefined): Promise<void> {
  const fd = await open(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | PLAIN, mode);
  try {
    await write(fd, bytes);
    if (before && before.uid !== process.getuid?.()) {
      try {
        fs.fchownSync(fd, before.uid, before.gid);
      } catch {
        // Only root may give files away.
      }
    }
    fs.fchmodSync(fd, mode);
  } finally {
    fs.closeSync(fd);
  }
}

/** The file may grow meanwhile. @returns undefined if there is more */
async function readAtMost(fd: number, maxBytes: number): Promise<Buffer | undefined> {
  const size = Math.min(fs.fstatSync(fd).size, maxBytes) + 1;
  const buffer = Buffer.allocUnsafe(size);
  let at = 0;
  while (at < size) {
    const { bytesRead } = await read(fd, buffer, at, size - at, at);
    if (bytesRead === 0) return buffer.subarray(0, at);
    at += bytesRead;
  }
  return undefined;
}

function isLink(file: string): boolean {
  try {
    // Synchronous: a round trip to a thread costs ten times the call, and the tool waits.
    return fs.lstatSync(file).isSymbolicLink();
  } catch (error) {
    undefinedIfGone(error);
    return false;
  }
}

/** The real path of a file, or where it would be made. */
async function realTarget(file: string): Promise<string> {
  const names: string[] = [];
  for (let at = file; ; at = path.dirname(at)) {
    const real = await realpath(at).catch(undefinedIfGone);
    if (real !== undefined) return path.join(real, ...names);
    if (at === path.dirname(at)) return file;
    names.unshift(path.basename(at));
  }
}

function undefinedIfGone(error: unknown): undefined {
  if (!MISSING.has(errorCode(error) ?? '')) throw error;
  return undefined;
}

/** An error of the system that says that something cannot be looked at; any other unchanged. */
function asUnreadable(error: unknown): unknown {
  return UNREADABLE.has(errorCode(error) ?? '') ? new UnreadableError(errorMessage(error)) : error;
}

function undefinedIfUnreadable(error: unknown): undefined {
  if (!['EACCES', 'EPERM', ...MISSING].includes(errorCode(error) ?? '')) throw error;
  return undefined;
}
