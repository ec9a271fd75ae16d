import type { Stats } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { PathHandle } from '../../files/index.js';
import { NoFolderError } from './path-errors.js';
import type { Located, PathScope } from './path-scope.js';

/**
 * An open folder. Operations on its entries affect this very folder, even if its path is replaced by a link
 * meanwhile (see `PathHandle`).
 */
export class SafeFolder {
  private constructor(private readonly handle: PathHandle) {}

  /**
   * Opens the existing part of a path and creates the missing folders. Close the result.
   * @param located resolved by the same scope
   * @param names the folders to create below `located.existing`, usually `located.missing`
   * @throws NoFolderError, FileRefusal, the scope's error for paths outside, errors of the system
   */
  static async make(scope: PathScope, located: Located, names: readonly string[]): Promise<SafeFolder> {
    let folder = await SafeFolder.open(scope, located.existing);
    for (const name of names) {
      const outer = folder;
      try {
        scope.assertAllowed(path.join(outer.path, name), 'write');
        await mkdir(outer.at(name)).catch((error: unknown) => {
          // It was created meanwhile; the open below fails if it is not a folder.
          if (errorCode(error) !== 'EEXIST') throw error;
        });
        folder = await SafeFolder.open(scope, outer.at(name));
      } finally {
        outer.close();
      }
    }
    return folder;
  }

  /**
   * Opens a folder, but not through a link. Close it.
   * @throws NoFolderError, FileRefusal, the scope's error for paths outside, errors of the system
   */
  static async open(scope: PathScope, folder: string): Promise<SafeFolder> {
    const handle = await PathHandle.open(folder, { links: 'refused', isFolder: true }).catch(
      (error: unknown) => {
        if (['ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '')) throw new NoFolderError();
        throw error;
      },
    );
    try {
      await scope.verify(handle);
      return new SafeFolder(handle);
    } catch (error) {
      handle.close();
      throw error;
    }
  }

  /** Its real path when it was opened. */
  get path(): string {
    return this.handle.real;
  }

  /** A path that leads to this very folder. */
  get self(): string {
    return this.handle.self;
  }

  /** The path of an entry of this folder. */
  at(name: string): string {
    return this.handle.at(name);
  }

  /** Its stats and the names of its entries. */
  async list(): Promise<{ stats: Stats; names: string[] }> {
    const entries = await this.handle.entries();
    return { stats: this.handle.stats, names: entries.map(({ name }) => name) };
  }

  close(): void {
    this.handle.close();
  }
}
