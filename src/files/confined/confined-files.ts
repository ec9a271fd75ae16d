import type { Dirent, Stats } from 'node:fs';
import { chmod, mkdir, unlink, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { replaceFile, temporaryName, type FileContent } from '../replace-file.js';
import { FileRefusal, NO_RULES, type FileAccess, type FileIdentity, type FileRules } from './file-rules.js';
import { isSystemError, PathHandle, type HandleOptions } from './path-handle.js';
import { whereMissing } from './where-missing.js';

/** Codes for a path that leads to nothing. */
const MISSING = new Set(['ENOENT', 'ENOTDIR']);

/** What a path leads to. */
export type FileKind = 'file' | 'directory' | 'other' | 'missing';

/** A plain file that is open for reading. */
export interface ConfinedFile {
  handle: FileHandle;
  /** Its real path when it was opened. */
  real: string;
  stats: Stats;
}

/**
 * Files as an agent may use them: each operation follows links, then checks the real path of what it found,
 * and works on exactly that. Replacing a part of the path meanwhile changes nothing (on Linux; see
 * `PathHandle`). Pipes and devices are not opened.
 *
 * All methods throw `FileRefusal` for what the rules do not allow, and errors of the system. Of what may not
 * be read they do not tell whether it exists.
 */
export class ConfinedFiles {
  constructor(private readonly rules: FileRules = NO_RULES) {}

  /** What exists at a path. What cannot be examined counts as missing, except where the rules refuse it. */
  async kind(file: string): Promise<FileKind> {
    try {
      const stats = await this.stat(file);
      if (stats.isDirectory()) return 'directory';
      return stats.isFile() ? 'file' : 'other';
    } catch (error) {
      if (error instanceof FileRefusal) throw error;
      return 'missing';
    }
  }

  async stat(file: string): Promise<Stats> {
    return this.with(file, 'read', (found) => Promise.resolve(found.stats));
  }

  /** As `stat`, but of a link itself. */
  async linkStat(file: string): Promise<Stats> {
    return this.with(file, 'read', (found) => Promise.resolve(found.stats), { links: 'kept' });
  }

  /** The real path of what exists at a path. */
  async realPath(file: string): Promise<string> {
    return this.with(file, 'read', (found) => Promise.resolve(found.real));
  }

  /** Opens a plain file for reading. Close its handle. @throws NotAFileError for other things */
  async open(file: string): Promise<ConfinedFile> {
    return this.with(file, 'read', async (found) => {
      const handle = await found.openFile();
      return { handle, real: found.real, stats: found.stats };
    });
  }

  /** The entries of a folder. */
  async entries(folder: string): Promise<Dirent[]> {
    return this.with(folder, 'read', (found) => found.during(() => found.entries()));
  }

  /**
   * Replaces a file as `replaceFile` does, or creates it in a folder that exists. The target of a link is
   * replaced; a link without a target becomes the file.
   */
  async replace(file: string, content: FileContent, options: { mode?: number } = {}): Promise<void> {
    const { folder, name } = await this.place(this.onMachine(file), file);
    try {
      await folder.during(() => replaceFile(folder.at(name), content, { ...options, replacesLink: true }));
    } finally {
      folder.close();
    }
  }

  /** Creates a folder and its missing parents. */
  async makeFolder(folder: string): Promise<void> {
    const names: string[] = [];
    let at = this.onMachine(folder);
    let existing = await openFolder(at);
    for (; !existing; existing = await openFolder(at)) {
      names.unshift(path.basename(at));
      at = path.dirname(at);
    }
    let outer = existing;
    try {
      for (const [index, name] of names.entries()) {
        this.assertAllowed(path.join(outer.real, ...names.slice(index)), 'write', folder);
        const inner = await makeIn(outer, name);
        outer.close();
        outer = inner;
      }
    } finally {
      outer.close();
    }
  }

  /** Removes a file or a link, if it exists. */
  async remove(file: string): Promise<void> {
    const target = this.onMachine(file);
    const folder = await this.openParent(target, file, 'write');
    try {
      const name = path.basename(target);
      this.assertAllowed(path.join(folder.real, name), 'write', file);
      await folder.during(() => unlink(folder.at(name)));
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
    } finally {
      folder.close();
    }
  }

  /** Sets the permissions of a file. */
  async setMode(file: string, mode: number): Promise<void> {
    await this.with(file, 'write', (found) => found.during(() => chmod(found.self, mode)));
  }

  /** @throws FileRefusal */
  private assertAllowed(real: string, access: FileAccess, shown: string, found?: FileIdentity): void {
    // Programs cannot name what has no path, such as a pipe of the server.
    const reason = path.isAbsolute(real) ? this.rules.refusal(real, access, found) : 'it has no path';
    if (reason !== undefined) throw new FileRefusal(shown, access, reason);
  }

  private onMachine(file: string): string {
    return this.rules.onMachine?.(file) ?? file;
  }

  private async with<T>(
    file: string,
    access: FileAccess,
    work: (found: PathHandle) => Promise<T>,
    options: HandleOptions = {},
  ): Promise<T> {
    const found = await this.find(this.onMachine(file), file, access, options);
    try {
      return await work(found);
    } finally {
      found.close();
    }
  }

  /** @param shown the path as the agent has named it */
  private async find(
    file: string,
    shown: string,
    access: FileAccess,
    options: HandleOptions = {},
  ): Promise<PathHandle> {
    const found = await PathHandle.open(file, options).catch(async (error: unknown) => {
      // The difference between a refusal and a missing file would tell what exists.
      if (MISSING.has(errorCode(error) ?? '')) this.assertAllowed(await whereMissing(file), access, shown);
      throw error;
    });
    try {
      this.assertAllowed(found.real, access, shown, found.stats);
      return found;
    } catch (error) {
      found.close();
      throw error;
    }
  }

  /** The folder and the name of a file to write, both free of links. */
  private async place(file: string, shown: string): Promise<{ folder: PathHandle; name: string }> {
    const real = await this.realTarget(file, shown);
    const target = real ?? file;
    const folder = await this.openParent(target, shown, 'write');
    try {
      const name = path.basename(target);
      this.assertAllowed(path.join(folder.real, name), 'write', shown);
      return { folder, name };
    } catch (error) {
      folder.close();
      throw error;
    }
  }

  /** The real path of a file that exists and may be replaced. */
  private async realTarget(file: string, shown: string): Promise<string | undefined> {
    try {
      const found = await this.find(file, shown, 'write');
      found.close();
      return found.real;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  private async openParent(file: string, shown: string, access: FileAccess): Promise<PathHandle> {
    const parent = path.dirname(file);
    try {
      return await PathHandle.open(parent, { isFolder: true });
    } catch (error) {
      if (MISSING.has(errorCode(error) ?? '')) this.assertAllowed(await whereMissing(parent), access, shown);
      // The error of a write into a missing folder names the file that would have been written.
      if (isSystemError(error) && error.code === 'ENOENT')
        throw Object.assign(error, { path: path.join(parent, temporaryName(path.basename(file))) });
      throw error;
    }
  }
}

/** Undefined if it does not exist. */
async function openFolder(folder: string): Promise<PathHandle | undefined> {
  return PathHandle.open(folder, { isFolder: true }).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT' && folder !== path.dirname(folder)) return undefined;
    throw error;
  });
}

/** Creates a folder in a folder, or opens the one that is there. A link is ENOTDIR. */
async function makeIn(outer: PathHandle, name: string): Promise<PathHandle> {
  return outer.during(async () => {
    await mkdir(outer.at(name)).catch((error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw error;
    });
    return PathHandle.open(outer.at(name), { links: 'refused', isFolder: true });
  });
}
