import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { UnsupportedMediaTypeException, BadRequestException } from '@nestjs/common';
import type { Request as HttpRequest } from 'express';
import { DomainError, InvalidRequestError } from '../../../errors/index.js';
import { makeTemporaryFolder } from '../../../files/index.js';
import { MISSING, prefixPath, readFilePart, RequestValidationError } from '../../../http/index.js';
import { NoConversationsError, openZip } from '../sources/find-conversations.js';
import type { SourceFiles } from '../sources/source-files.js';
import type { ZipBounds } from '../sources/zip-files.js';
import { disconnectSlow } from './slow-uploads.js';

/** The field of a form with the archive. */
const FIELD = 'file';
/** Other media types of a body that is the archive itself. */
const BINARY = /^application\/(octet-stream|zip|x-zip-compressed)\b/i;
const MIB = 1024 * 1024;
const MAX_ZIP_BYTES = 256 * MIB;
const UNPACKED: ZipBounds = { entries: 200_000, bytes: 2048 * MIB, documentBytes: 16 * MIB };
const FILE_MODE = 0o600;

/** An archive exceeds the limit. */
class ArchiveTooLargeError extends DomainError {
  override readonly name = 'ArchiveTooLargeError';
  readonly kind = 'too-large';
}

/**
 * Receives an archive with one conversation, as a form or as the body itself, for as long as `use` needs it.
 * It is kept in a temporary file and never unpacked.
 * @param limit in bytes, if it is lower than that of archives
 * @throws ArchiveTooLargeError, InvalidRequestError for anything but a zip with one conversation, and what
 *   `use` throws
 */
export async function withUploadedArchive<T>(
  request: HttpRequest,
  limit: number | null,
  use: (files: SourceFiles) => Promise<T>,
): Promise<T> {
  const folder = await makeTemporaryFolder('import');
  const file = path.join(folder, 'conversation.zip');
  try {
    await receive(request, file, Math.min(limit ?? MAX_ZIP_BYTES, MAX_ZIP_BYTES));
    const found = await openZip(file, 'the archive', UNPACKED).catch((error: unknown) => {
      throw error instanceof NoConversationsError
        ? new InvalidRequestError(['body', FIELD], error.message)
        : error;
    });
    try {
      const [files, ...others] = found.conversations;
      if (!files || others.length > 0)
        throw new InvalidRequestError(
          ['body', FIELD],
          `the archive has ${found.conversations.length} conversations: send one at a time`,
        );
      return await use(files);
    } finally {
      found.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function receive(request: HttpRequest, file: string, limit: number): Promise<void> {
  const type = request.headers['content-type'] ?? '';
  const save = async (content: AsyncIterable<Buffer>): Promise<void> => {
    await pipeline(bounded(content, limit), createWriteStream(file, { mode: FILE_MODE }));
  };
  const stopWatching = disconnectSlow(request);
  const reading = /^multipart\/form-data\b/i.test(type)
    ? readFilePart(request, FIELD, save)
    : BINARY.test(type)
      ? save(bodyOf(request))
      : Promise.reject(unsupported(type));
  return reading.finally(stopWatching);
}

function unsupported(type: string): Error {
  if (type === '') return new RequestValidationError(prefixPath(['body'], [MISSING]), { body: null });
  return new UnsupportedMediaTypeException(
    `Unsupported content type '${type}': send the zip as the field \`${FIELD}\` of a form, or as application/octet-stream`,
  );
}

/** @throws BadRequestException if the client leaves in the middle */
async function* bodyOf(request: HttpRequest): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of request) if (Buffer.isBuffer(chunk)) yield chunk;
  } catch {
    throw new BadRequestException('The request body was cut off');
  }
}

async function* bounded(content: AsyncIterable<Buffer>, limit: number): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of content) {
    size += chunk.length;
    if (size > limit) throw new ArchiveTooLargeError(`Archive too large: the limit is ${limit} bytes`);
    yield chunk;
  }
}
