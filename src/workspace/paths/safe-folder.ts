import { constants, type Stats } from 'node:fs';
import { mkdir, open, readdir, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { NoFolderError } from './path-errors.js';
import { handlePath, type Located, type PathScope } from './path-scope.js';

const FOLDER_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * An open folder. Operations on its entries affect this very folder, even if its path is replaced by a link
 * meanwhile. (On systems without /proc they use its path.)
 */
export class SafeFolder {
  private constructor(
    private readonly handle: FileHandle,
    /** Its real path when it was opened. */
    readonly path: string,
  ) {}

  /**
   * Opens the existing part of a path and creates the missing folders. Close the result.
   * @param located resolved by the same scope
   * @param names the folders to create below `located.existing`, usually `located.missing`
   * @throws NoFolderError, the scope's error for paths outside, errors of the system
   */
  static async make(scope: PathScope, located: Located, names: readonly string[]): Promise<SafeFolder> {
    let folder = await SafeFolder.open(scope, located.existing);
    for (const name of names) {
      const outer = folder;
      try {
        await mkdir(outer.at(name)).catch((error: unknown) => {
          // It was created meanwhile; the open below fails if it is not a folder.
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
   * Opens a folder, but not through a link. Close it.
   * @param known its real path
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

  /** The path of an entry of this folder. */
  at(name: string): string {
    return path.join(handlePath(this.handle) ?? this.path, name);
  }

  /** Its stats and the names of its entries. */
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
