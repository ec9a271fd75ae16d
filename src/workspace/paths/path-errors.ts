import { DomainError, errorCode, isDiskFull } from '../../errors/index.js';

/** A path that cannot be used for the request. */
export class UnusablePathError extends DomainError {
  override readonly name: string = 'UnusablePathError';
  readonly kind = 'rejected';
}

/** The path is outside the served folder. */
export class PathOutsideError extends UnusablePathError {
  override readonly name = 'PathOutsideError';
  constructor() {
    super('Path is outside the workspace');
  }
}

/** A parent of the path is not a folder, or is a dangling link. */
export class NoFolderError extends UnusablePathError {
  override readonly name = 'NoFolderError';
  constructor() {
    super('A parent of the path is not a directory');
  }
}

/** The path does not exist, or is a device, a pipe or a socket. */
export class FileMissingError extends DomainError {
  override readonly name = 'FileMissingError';
  readonly kind = 'not-found';
}

/** Clients may not access the path. */
export class PathForbiddenError extends DomainError {
  override readonly name: string = 'PathForbiddenError';
  readonly kind = 'forbidden';
}

/** The file may contain git credentials. */
export class CredentialsFileError extends PathForbiddenError {
  override readonly name = 'CredentialsFileError';
  constructor() {
    super('Files that may hold git credentials are not served');
  }
}

/** The disk or the quota of the user is full. */
class DiskFullError extends DomainError {
  override readonly name = 'DiskFullError';
  readonly kind = 'storage-full';
  constructor() {
    super('No space left on the disk');
  }
}

/** Codes of system errors for paths that the file system cannot use. */
const UNUSABLE = new Set(['ENAMETOOLONG', 'EINVAL', 'ENOTDIR', 'ELOOP', 'EISDIR', 'EEXIST']);
const FORBIDDEN = new Set(['EACCES', 'EPERM', 'EROFS']);

/**
 * Does work on a path of a client.
 * @throws a domain error in place of an error of the system that the path causes; other errors unchanged
 */
export async function withPathErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (FORBIDDEN.has(code)) throw new PathForbiddenError('Permission denied');
    if (code === 'ENOENT') throw new UnusablePathError('Path cannot be created or used');
    if (UNUSABLE.has(code)) throw new UnusablePathError(`Path cannot be used: ${code}`);
    if (isDiskFull(error)) throw new DiskFullError();
    throw error;
  }
}
