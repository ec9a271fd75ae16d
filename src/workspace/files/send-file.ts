import path from 'node:path';
import { ForbiddenException, HttpException, NotFoundException } from '@nestjs/common';
import type { Request, Response } from 'express';
import send from 'send';
import { errorCode } from '../../errors/index.js';
import type { OpenedFile } from '../paths/path-scope.js';

/** How a file is answered. */
export interface SendOptions {
  /** As a download of this name, whatever is in it; without it to be shown, its type by its name. */
  attachment?: { name: string; type: string };
}

/**
 * Answers a request with a file that is open: ranges, conditional requests. Resolves when the answer is out
 * or the client gone, and closes the file.
 * @throws HttpException when it cannot be read
 */
export async function sendOpened(
  request: Request,
  response: Response,
  file: OpenedFile,
  { attachment }: SendOptions = {},
): Promise<void> {
  try {
    if (attachment) {
      response.setHeader('Content-Type', attachment.type);
      response.setHeader('Content-Disposition', contentDisposition(attachment.name));
    } else {
      // Of a name without an extension: bytes.
      response.type(path.extname(file.path) || 'application/octet-stream');
    }
    await sendFile(request, response, file.source);
  } finally {
    await file.handle.close();
  }
}

/**
 * Answers a request with a file: its type by its name, ranges, conditional requests. Resolves when the answer
 * is out or the client gone.
 * @param file absolute and checked
 * @param cacheControl files of a workspace change while the agent works: a browser asks each time, and no
 *   proxy keeps
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
  if (errorCode(error) === 'EACCES' || errorCode(error) === 'EPERM')
    return new ForbiddenException('File cannot be read');
  return status === 404 ? new NotFoundException('File not found') : error;
}

function statusOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
}

/**
 * The header that makes an answer a download of a name. Whatever the name holds is encoded (RFC 8187), so
 * that it cannot end the header or begin another one.
 */
export function contentDisposition(name: string): string {
  const encoded = percentEncoded(name);
  return encoded === name ? `attachment; filename="${name}"` : `attachment; filename*=utf-8''${encoded}`;
}

/** A text as a header can hold it: all but letters, digits and `-._~` in percent signs. */
export function percentEncoded(text: string): string {
  const rest = /[!'()*]/g;
  return encodeURIComponent(text.toWellFormed()).replace(
    rest,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
