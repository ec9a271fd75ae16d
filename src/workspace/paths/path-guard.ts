import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { isInside } from '../../files/index.js';

/**
 * Files below `.git` that may hold credentials or tell of them (addresses with a password or a token in
 * them).
 */
const GIT_SECRETS = /^(config(\.worktree)?|credentials?|fetch_head|logs)$/;
/** Files that hold passwords wherever they are; some systems do not care for the case of their names. */
export const PASSWORD_FILES: ReadonlySet<string> = new Set(['.git-credentials', '.netrc', '_netrc']);

/** The path leads out of the folder that is served. */
export class PathOutsideError extends Error {
  override readonly name = 'PathOutsideError';
  constructor() {
    super('Path is outside the workspace');
  }
}

/** The file may hold credentials of git. */
export class CredentialsFileError extends Error {
  override readonly name = 'CredentialsFileError';
  constructor() {
    super('Files that may hold git credentials are not served');
  }
}

/** There is nothing that can be read at this path: nothing at all, or a device, a pipe, a socket. */
export class FileMissingError extends Error {
  override readonly name = 'FileMissingError';
}

/** A file or a folder that may be served. */
export interface GuardedPath {
  /** Absolute, without symbolic links. */
  path: string;
  kind: 'file' | 'folder';
}

/**
 * The one check of paths that come from clients: what it answers lies in the folder, whatever dots, links and
 * encodings the path had, and is a file or a folder. Whoever may write to the folder can swap a path after
 * the check, so it guards against clients, not against the agent, which reads what it likes anyway.
 */
export class PathGuard {
  private constructor(
    /** The folder without symbolic links: what does not lie below it is outside. */
    readonly root: string,
  ) {}

  /**
   * @param folder absolute
   * @throws FileMissingError when it is no folder
   */
  static async of(folder: string): Promise<PathGuard> {
    const root = await real(folder, 'Workspace directory does not exist');
    if (!(await stat(root)).isDirectory()) throw new FileMissingError('Workspace directory does not exist');
    return new PathGuard(root);
  }

  /**
   * Finds a path of a client, relative to the folder and already decoded once; empty is the folder itself.
   * @throws PathOutsideError, CredentialsFileError, FileMissingError
   */
  async find(relative: string): Promise<GuardedPath> {
    const parts = relative.split('/');
    // A backslash separates on other systems, and no path of ours needs a NUL.
    if (relative.startsWith('/') || /[\0\\]/.test(relative) || parts.includes('..'))
      throw new PathOutsideError();
    assertNoCredentials(parts);
    const found = await real(path.join(this.root, relative), 'File not found');
    if (!isInside(this.root, found)) throw new PathOutsideError();
    // A link inside may have led to them.
    assertNoCredentials(path.relative(this.root, found).split(path.sep));
    const stats = await stat(found);
    if (stats.isFile()) return { path: found, kind: 'file' };
    if (stats.isDirectory()) return { path: found, kind: 'folder' };
    throw new FileMissingError('File not found');
  }
}

/**
 * Refuses the parts of a path that lead to a file which may hold credentials of git.
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
