import path from 'node:path';
import { ForbiddenException, HttpException, NotFoundException } from '@nestjs/common';
import type { Request, Response } from 'express';
import send from 'send';
import { errorCode } from '../../errors/index.js';
import type { OpenedFile } from '../paths/path-scope.js';

/** Options of `sendOpened`. */
interface SendOptions {
  /**
   * Answers as a download with this name and type; otherwise inline, with a type derived from the file name.
   */
  attachment?: { name: string; type: string };
}

/**
 * Answers a request with an open file, with ranges and conditional requests. Resolves and closes the file
 * when the answer was sent or the client has disconnected.
 * @throws HttpException when the file cannot be read
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
      // For names without an extension.
      response.type(path.extname(file.path) || 'application/octet-stream');
    }
    await sendFile(request, response, file.source);
  } finally {
    await file.handle.close();
  }
}

/**
 * Answers a request with a file, with ranges and conditional requests. Resolves when the answer was sent or
 * the client has disconnected.
 * @param file absolute path that was checked
 * @param cacheControl by default browsers revalidate, because an agent may change the file, and proxies do
 *   not store it, because it requires a key
 * @throws HttpException when the file cannot be read
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
      .on('error', (error: unknown) => reject(toHttpError(error)))
      .pipe(response);
  });
}

/** What browsers show as it is, and what cannot run anything: by extension. */
const SHOWN_TYPES: Readonly<Record<string, string>> = {
  ...{ png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif', webp: 'image/webp' },
  ...{ avif: 'image/avif', bmp: 'image/bmp', ico: 'image/x-icon', svg: 'image/svg+xml' },
  ...{ mp3: 'audio/mpeg', ogg: 'audio/ogg', wav: 'audio/wav', flac: 'audio/flac', m4a: 'audio/mp4' },
  ...{ mp4: 'video/mp4', webm: 'video/webm', mov: 'video/quicktime' },
};
/** Scripts, forms, frames and requests of what is shown have no effect, also those of an SVG. */
const SHOWN_POLICY = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/**
 * Answers a request with an open file for a look: images, sound and video with their type, everything else as
 * text, so that nothing in it is executed with the origin of the server. Otherwise as `sendOpened`.
 */
export async function sendForView(request: Request, response: Response, file: OpenedFile): Promise<void> {
  const extension = path.extname(file.path).slice(1).toLowerCase();
  response.setHeader('Content-Security-Policy', SHOWN_POLICY);
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
  response.setHeader('Content-Disposition', 'inline');
  try {
    response.setHeader('Content-Type', SHOWN_TYPES[extension] ?? 'text/plain; charset=utf-8');
    await sendFile(request, response, file.source);
  } finally {
    await file.handle.close();
  }
}

/** Maps the library's errors for a file that was deleted or became unreadable after the check. */
function toHttpError(error: unknown): unknown {
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
 * The header for a download with a file name. The name is encoded (RFC 8187), so that it cannot end the
 * header or start another one.
 */
export function contentDisposition(name: string): string {
  const encoded = percentEncoded(name);
  return encoded === name ? `attachment; filename="${name}"` : `attachment; filename*=utf-8''${encoded}`;
}

/** Percent-encodes all characters but letters, digits and `-._~`. */
export function percentEncoded(text: string): string {
  const rest = /[!'()*]/g;
  return encodeURIComponent(text.toWellFormed()).replace(
    rest,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
