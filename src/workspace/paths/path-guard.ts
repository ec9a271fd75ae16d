import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { isInside } from '../../files/index.js';
import { CredentialsFileError, FileMissingError, PathOutsideError } from './path-errors.js';

/** Files below `.git` that may contain credentials (such as addresses with a password or a token). */
const GIT_SECRETS = /^(config(\.worktree)?|credentials?|fetch_head|logs)$/;
/** Files that contain passwords, in any folder. Compared in lower case, because some systems ignore case. */
export const PASSWORD_FILES: ReadonlySet<string> = new Set(['.git-credentials', '.netrc', '_netrc']);

/** A file or folder that may be served. */
export interface GuardedPath {
  /** Absolute, without symbolic links. */
  path: string;
  kind: 'file' | 'folder';
}

/**
 * Checks relative paths from clients: a result is a file or folder inside the served folder, whatever dots,
 * links and encodings the path contains. A process that can write to the folder can replace a path after the
 * check, so this guards against clients, not against the agent, which can read any file anyway.
 */
export class PathGuard {
  private constructor(
    /** Real path of the served folder. */
    readonly root: string,
  ) {}

  /**
   * @param folder absolute
   * @throws FileMissingError when it is not a folder
   */
  static async of(folder: string): Promise<PathGuard> {
    const root = await real(folder, 'Workspace directory does not exist');
    if (!(await stat(root)).isDirectory()) throw new FileMissingError('Workspace directory does not exist');
    return new PathGuard(root);
  }

  /**
   * Resolves a path of a client, relative to the folder and decoded once; empty for the folder itself.
   * @throws PathOutsideError, CredentialsFileError, FileMissingError
   */
  async find(relative: string): Promise<GuardedPath> {
    const parts = relative.split('/');
    // A backslash is a separator on other systems; NUL is never valid.
    if (relative.startsWith('/') || /[\0\\]/.test(relative) || parts.includes('..'))
      throw new PathOutsideError();
    assertNoCredentials(parts);
    const found = await real(path.join(this.root, relative), 'File not found');
    if (!isInside(this.root, found)) throw new PathOutsideError();
    // A link may lead to such a file.
    assertNoCredentials(path.relative(this.root, found).split(path.sep));
    const stats = await stat(found);
    if (stats.isFile()) return { path: found, kind: 'file' };
    if (stats.isDirectory()) return { path: found, kind: 'folder' };
    throw new FileMissingError('File not found');
  }
}

/**
 * Rejects the parts of a path to a file that may contain git credentials.
 * @throws CredentialsFileError
 */
export function assertNoCredentials(parts: readonly string[]): void {
  // On some systems `.GIT` is the same folder.
  const names = parts.map((part) => part.toLowerCase());
  const gitFolder = names.indexOf('.git');
  const isGitSecret = gitFolder !== -1 && names.slice(gitFolder + 1).some((name) => GIT_SECRETS.test(name));
  if (isGitSecret || names.some((name) => PASSWORD_FILES.has(name))) throw new CredentialsFileError();
}

async function real(file: string, missing: string): Promise<string> {
  try {
    return await realpath(file);
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP', 'EACCES'].includes(code))
      throw new FileMissingError(missing);
    throw error;
  }
}
