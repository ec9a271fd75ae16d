import { BadRequestException, ForbiddenException, HttpException, NotFoundException } from '@nestjs/common';
import { errorCode } from '../../errors/index.js';
import { CredentialsFileError, FileMissingError, PathOutsideError } from '../paths/path-guard.js';
import { NoFolderError, NotAbsoluteError } from '../paths/path-scope.js';

/** A folder stands where a file is to be. */
export class FolderInTheWayError extends Error {
  override readonly name = 'FolderInTheWayError';
  constructor() {
    super('Path is a directory');
  }
}

/** There is something else than a plain file: a device, a pipe, a socket. */
export class NotAFileError extends Error {
  override readonly name = 'NotAFileError';
  constructor() {
    super('Path is not a file');
  }
}

const BAD_PATHS = [NotAbsoluteError, NoFolderError, FolderInTheWayError, NotAFileError, PathOutsideError];
/** What the system says of paths that no file system takes. */
const IMPOSSIBLE = new Set(['ENAMETOOLONG', 'EINVAL', 'ENOTDIR', 'ELOOP', 'EISDIR', 'EEXIST']);
const FORBIDDEN = new Set(['EACCES', 'EPERM', 'EROFS']);

/** The answer to an error about a path; what is no such error comes back as it is. */
export function fileFailure(error: unknown): unknown {
  if (error instanceof HttpException) return error;
  if (error instanceof CredentialsFileError) return new ForbiddenException(error.message);
  if (error instanceof FileMissingError) return new NotFoundException(error.message);
  if (error instanceof Error && BAD_PATHS.some((type) => error instanceof type)) {
    return new BadRequestException(error.message);
  }
  const code = errorCode(error) ?? '';
  if (FORBIDDEN.has(code)) return new ForbiddenException('Permission denied');
  if (code === 'ENOENT') return new BadRequestException('Path cannot be made or used');
  if (IMPOSSIBLE.has(code)) return new BadRequestException(`Path cannot be used: ${code}`);
  if (code === 'ENOSPC' || code === 'EDQUOT') return new HttpException('No space left on the disk', 507);
  return error;
}
