import type { Readable } from 'node:stream';
import busboy from 'busboy';
import { BadRequestException } from '@nestjs/common';
import type { Request } from 'express';
import { MISSING, RequestValidationError, prefixPath, valueError } from '../../http/index.js';

const CUT_OFF = 'The request body was cut off';
/** What a form may have besides the file: texts of fields nobody reads, and files nobody asked for. */
const LIMITS = { fieldSize: 64 * 1024, fields: 100, parts: 200, headerPairs: 100 };

/**
 * Finds the file of a form and hands it over as it comes in. Everything else of the form is passed over.
 * @throws RequestValidationError when there is none, BadRequestException for what is no form or was cut off,
 *   and what `take` throws
 */
export function readFilePart<T>(
  request: Request,
  field: string,
  take: (content: AsyncIterable<Buffer>) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const form = openForm(request);
    if (!form) return reject(missing(field));
    // Nothing more would come of it, not even its end.
    if (request.destroyed && !request.readableEnded) return reject(new BadRequestException(CUT_OFF));
    let work: Promise<T> | undefined;
    let isText = false;
    const fail = (error: unknown): void => {
      request.unpipe(form);
      form.destroy();
      reject(error);
    };
    form.on('file', (name, content) => {
      // Whoever reads it is told; it may end before anybody does.
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
      if (!request.readableEnded) form.destroy(new Error(CUT_OFF));
    });
    request.pipe(form);
  });
}

/** The bytes of a file; a form that ends in the middle of it is the client's fault. */
async function* chunksOf(content: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of content) if (Buffer.isBuffer(chunk)) yield chunk;
  } catch {
    throw new BadRequestException(CUT_OFF);
  }
}

function openForm(request: Request): busboy.Busboy | undefined {
  if (!/^multipart\/form-data\b/i.test(request.headers['content-type'] ?? '')) return undefined;
  try {
    return busboy({ headers: request.headers, limits: LIMITS });
  } catch {
    // No boundary.
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
