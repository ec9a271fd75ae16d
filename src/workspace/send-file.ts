import { ForbiddenException, HttpException, NotFoundException } from '@nestjs/common';
import type { Request, Response } from 'express';
import send from 'send';
import { errorCode } from '../errors/index.js';

/**
 * Answers a request with a file: its type by its name, ranges, conditional requests. Resolves when the answer is out or
 * the client gone.
 * @param file absolute and checked
 * @param cacheControl files of a workspace change while the agent works: a browser asks each time, and no proxy keeps
 *   what needs a key
 * @throws HttpException when it cannot be read
 */
export function sendFile(
  request: Request,
  response: Response,
  file: string,
  cacheControl = 'private, no-cache',
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (response.closed) return resolve();
    response.once('close', resolve);
    response.setHeader('Cache-Control', cacheControl);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    send(request, encodeURI(file), { dotfiles: 'allow', cacheControl: false, index: false })
      .on('error', (error: unknown) => reject(refusalOf(error)))
      .pipe(response);
  });
}

/** What the library says of a file that is gone or closed to this user since it was checked. */
function refusalOf(error: unknown): unknown {
  const status = statusOf(error);
  if (status === 416) return new HttpException('Requested Range Not Satisfiable', status);
  if (errorCode(error) === 'EACCES' || errorCode(error) === 'EPERM') return new ForbiddenException('File cannot be read');
  return status === 404 ? new NotFoundException('File not found') : error;
}

function statusOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
}
