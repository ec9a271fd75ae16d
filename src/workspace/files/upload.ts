import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { Request } from 'express';
import { DomainError, errorCode } from '../../errors/index.js';
import { replaceFile } from '../../files/index.js';
import { readFilePart } from '../../http/index.js';
import { UnusablePathError } from '../paths/path-errors.js';
import type { PathScope } from '../paths/path-scope.js';
import { SafeFolder } from '../paths/safe-folder.js';

/** The form field that contains the file. */
const FIELD = 'file';
const IS_DIRECTORY = 'Path is a directory';

/** An upload exceeds the configured limit. */
class FileTooLargeError extends DomainError {
  override readonly name = 'FileTooLargeError';
  readonly kind = 'too-large';
}

/**
 * Writes the file of a form to a path and creates missing folders. Readers see the old file or the complete
 * new one; an incomplete upload leaves nothing behind.
 * @param limit in bytes; null: no limit
 * @returns the size of the file in bytes
 */
export async function upload(
  request: Request,
  scope: PathScope,
  target: string,
  limit: number | null,
): Promise<number> {
  const located = await scope.locate(target);
  if (located.kind === 'folder') throw new UnusablePathError(IS_DIRECTORY);
  if (located.kind === 'other') throw new UnusablePathError('Path is not a file');
  const name = path.basename(located.path);
  const folders = located.missing.slice(0, -1);
  const existing = located.missing.length === 0 ? path.dirname(located.existing) : located.existing;
  // Folders are only created once the request has a file.
  return readFilePart(request, FIELD, async (content) => {
    const folder = await SafeFolder.make(scope, { ...located, existing }, folders);
    try {
      scope.assertAllowed(path.join(folder.path, name), 'write');
      return await replaceIn(folder, name, bounded(content, limit));
    } finally {
      folder.close();
    }
  });
}

/** @returns the number of bytes written */
async function replaceIn(folder: SafeFolder, name: string, content: AsyncIterable<Buffer>): Promise<number> {
  let size = 0;
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of content) {
      size += chunk.length;
      yield chunk;
    }
  };
  try {
    await replaceFile(folder.at(name), counted(), {
      replacesLink: true,
      temporary: folder.at(`.upload-${randomBytes(8).toString('hex')}.tmp`),
    });
    return size;
  } catch (error) {
    if (errorCode(error) === 'EISDIR') throw new UnusablePathError(IS_DIRECTORY);
    throw error;
  }
}

async function* bounded(content: AsyncIterable<Buffer>, limit: number | null): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of content) {
    size += chunk.length;
    if (limit !== null && size > limit) {
      throw new FileTooLargeError(`File too large: the limit is ${limit} bytes`);
    }
    yield chunk;
  }
}
