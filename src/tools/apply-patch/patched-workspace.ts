import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { ConfinedFiles, FileRefusal, insideOnly, isInside, type FileRules } from '../../files/index.js';
import { PatchError } from './patch-error.js';

const OUTSIDE = 'Absolute or escaping paths are not allowed';

/** The files that a patch may change: those of the workspace, also where links lead elsewhere meanwhile. */
export class PatchedWorkspace {
  private constructor(
    private readonly folder: string,
    private readonly anyInside: ConfinedFiles,
    readonly files: ConfinedFiles,
  ) {}

  /**
   * @param folder absolute
   * @throws errors of the system if there is no such folder
   */
  static async open(folder: string, rules?: FileRules): Promise<PatchedWorkspace> {
    const root = await realpath(folder);
    const anyInside = new ConfinedFiles(insideOnly(root));
    return new PatchedWorkspace(
      folder,
      anyInside,
      rules ? new ConfinedFiles(insideOnly(root, rules)) : anyInside,
    );
  }

  /**
   * The absolute path of a file in the workspace.
   * @throws PatchError if the path leads out of the workspace, also through symbolic links
   */
  async locate(given: string): Promise<string> {
    const root = path.resolve(this.folder);
    const file = path.resolve(root, given);
    if (file === root || !isInside(root, file)) throw new PatchError(OUTSIDE);
    await orPatchError(this.anyInside.kind(file), () => OUTSIDE);
    await orPatchError(this.files.kind(file), ({ message }) => message);
    return file;
  }
}

function orPatchError(work: Promise<unknown>, text: (refusal: FileRefusal) => string): Promise<unknown> {
  return work.catch((error: unknown) => {
    throw error instanceof FileRefusal ? new PatchError(text(error)) : error;
  });
}
