import type { Readable } from 'node:stream';
import type { Busboy, BusboyConfig } from 'busboy';
import { BadRequestException } from '@nestjs/common';
import type { Request } from 'express';
import { MISSING, RequestValidationError, prefixPath, valueError } from '../validation/problem.js';

const INCOMPLETE = 'The request body was cut off';
/** Bounds of a form. Fields and files other than the expected one are ignored. */
const LIMITS = { fieldSize: 64 * 1024, fields: 100, parts: 200, headerPairs: 100 };

/**
 * Streams the file of a form to `take`. Everything else in the form is ignored.
 * @throws RequestValidationError for a form without the file, BadRequestException for a malformed or
 *   incomplete form, and what `take` throws
 */
export async function readFilePart<T>(
  request: Request,
  field: string,
  take: (content: AsyncIterable<Buffer>) => Promise<T>,
): Promise<T> {
  // Loaded with the first form.
  const { default: busboy } = await import('busboy');
  return new Promise((resolve, reject) => {
    const form = openForm(request, busboy);
    if (!form) return reject(missing(field));
    // A destroyed request emits no further events.
    if (request.destroyed && !request.readableEnded) return reject(new BadRequestException(INCOMPLETE));
    let work: Promise<T> | undefined;
    let isText = false;
    const fail = (error: unknown): void => {
      request.unpipe(form);
      form.destroy();
      reject(error);
    };
    form.on('file', (name, content) => {
      // A reader gets the error, too; it may occur before anything reads.
      content.on('error', () => undefined);
      if (name !== field || work) return void content.resume();
      work = take(chunksOf(content));
      work.catch(fail);
    });
    form.on('field', (name) => (isText ||= name === field));
    form.on('error', () => fail(new BadRequestException('There was an error parsing the body')));
    form.on('close', () => {
      if (work) work.then(resolve, reject);
      else reject(isText ? notAFile(field) : missing(field));
    });
    request.once('close', () => {
      if (!request.readableEnded) form.destroy(new Error(INCOMPLETE));
    });
    request.pipe(form);
  });
}

/** The bytes of a file. @throws BadRequestException when the form ends in the middle of it */
async function* chunksOf(content: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of content) if (Buffer.isBuffer(chunk)) yield chunk;
  } catch {
    throw new BadRequestException(INCOMPLETE);
  }
}

function openForm(request: Request, busboy: (config: BusboyConfig) => Busboy): Busboy | undefined {
  if (!/^multipart\/form-data\b/i.test(request.headers['content-type'] ?? '')) return undefined;
  try {
    return busboy({ headers: request.headers, limits: LIMITS });
  } catch {
    // The content type has no boundary.
    throw new BadRequestException('There was an error parsing the body');
  }
}

function missing(field: string): RequestValidationError {
  return new RequestValidationError(prefixPath(['body', field], [MISSING]), { body: null });
}

function notAFile(field: string): RequestValidationError {
  const text = "Expected UploadFile, received: <class 'str'>";
  return new RequestValidationError(prefixPath(['body', field], [valueError(text)]), { body: null });
}
