import { constants, type Stats } from 'node:fs';
import { mkdir, open, readdir, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { handlePath, NoFolderError, type Located, type PathScope } from './path-scope.js';

const FOLDER_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * A folder that is open. What is done through it is done in this folder, wherever its path leads meanwhile:
 * nobody can put a link in its place. (On systems without /proc it is just its path.)
 */
export class SafeFolder {
  private constructor(
    private readonly handle: FileHandle,
    /** Where it was when it was opened. */
    readonly path: string,
  ) {}

  /**
   * Opens what exists of a path and makes the missing folders below it. Close it.
   * @param located found by the same scope; a path that is no folder is refused
   * @param names the folders to be below `located.existing`, as a rule `located.missing`
   * @throws NoFolderError, the scope's error for paths outside, errors of the system
   */
  static async make(scope: PathScope, located: Located, names: readonly string[]): Promise<SafeFolder> {
    let folder = await SafeFolder.open(scope, located.existing);
    for (const name of names) {
      const outer = folder;
      try {
        await mkdir(outer.at(name)).catch((error: unknown) => {
          // Somebody else made it meanwhile; if it is no folder, it cannot be opened as one.
          if (errorCode(error) !== 'EEXIST') throw error;
        });
        folder = await SafeFolder.open(scope, outer.at(name), path.join(outer.path, name));
      } finally {
        await outer.close();
      }
    }
    return folder;
  }

  /**
   * Opens a folder as it stands, no link. Close it.
   * @param known where it is
   * @throws NoFolderError, the scope's error for paths outside, errors of the system
   */
  static async open(scope: PathScope, folder: string, known = folder): Promise<SafeFolder> {
    const handle = await open(folder, FOLDER_FLAGS).catch((error: unknown) => {
      if (['ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '')) throw new NoFolderError();
      throw error;
    });
    try {
      return new SafeFolder(handle, await scope.verify(handle, known));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** A path for an entry of this very folder. */
  at(name: string): string {
    return path.join(handlePath(this.handle) ?? this.path, name);
  }

  /** What it is, and the names in it. */
  async list(): Promise<{ stats: Stats; names: string[] }> {
    const [stats, names] = await Promise.all([
      this.handle.stat(),
      readdir(handlePath(this.handle) ?? this.path),
    ]);
    return { stats, names };
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}
