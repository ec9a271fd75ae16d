import { BadRequestException, ForbiddenException, HttpException, NotFoundException } from '@nestjs/common';
import { errorCode } from '../../errors/index.js';
import { CredentialsFileError, FileMissingError, PathOutsideError } from '../paths/path-guard.js';
import { NoFolderError, NotAbsoluteError } from '../paths/path-scope.js';

/** The path of a file is a directory. */
export class PathIsDirectoryError extends Error {
  override readonly name = 'PathIsDirectoryError';
  constructor() {
    super('Path is a directory');
  }
}

/** The path is neither a regular file nor a directory, but a device, a pipe or a socket. */
export class NotAFileError extends Error {
  override readonly name = 'NotAFileError';
  constructor() {
    super('Path is not a file');
  }
}

const BAD_PATHS = [NotAbsoluteError, NoFolderError, PathIsDirectoryError, NotAFileError, PathOutsideError];
/** Codes of system errors for paths that the file system cannot use. */
const UNUSABLE = new Set(['ENAMETOOLONG', 'EINVAL', 'ENOTDIR', 'ELOOP', 'EISDIR', 'EEXIST']);
const FORBIDDEN = new Set(['EACCES', 'EPERM', 'EROFS']);

/** Converts an error about a path to an HttpException. Other errors are returned unchanged. */
export function toHttpError(error: unknown): unknown {
  if (error instanceof HttpException) return error;
  if (error instanceof CredentialsFileError) return new ForbiddenException(error.message);
  if (error instanceof FileMissingError) return new NotFoundException(error.message);
  if (error instanceof Error && BAD_PATHS.some((type) => error instanceof type)) {
    return new BadRequestException(error.message);
  }
  const code = errorCode(error) ?? '';
  if (FORBIDDEN.has(code)) return new ForbiddenException('Permission denied');
  if (code === 'ENOENT') return new BadRequestException('Path cannot be created or used');
  if (UNUSABLE.has(code)) return new BadRequestException(`Path cannot be used: ${code}`);
  if (code === 'ENOSPC' || code === 'EDQUOT') return new HttpException('No space left on the disk', 507);
  return error;
}
