import { createHash } from 'node:crypto';
import { Controller, Get, NotFoundException, Param, Req, Res } from '@nestjs/common';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import { Scope } from '../../auth/index.js';
import { Operation } from '../../http/index.js';
import { Installations } from '../installation/installations.js';
import { nameField, OTHER_NAME } from '../installation/installation.dto.js';
import { ExtensionNamePipe } from '../installation/name.pipe.js';
import { readInside } from '../installation/read-extension-file.js';
import { readCanvasManifest } from './canvas-manifest.js';

const tag = 'Canvas extensions';
const path = {
  extension_name: {
    ...nameField(OTHER_NAME).schema(),
    description: 'Name of the installed canvas extension.',
  },
};
const NAME = 'extension_name';
const name = new ExtensionNamePipe(NAME, OTHER_NAME);
/** Largest file (bytes). */
const MAX_BYTES = 32 * 1024 * 1024;
const file = {
  200: { description: 'The content of the file.', schema: { type: 'string', format: 'binary' } },
};

/** SVG files may contain scripts, which must never run. */
const SVG_HEADERS = {
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
  'x-content-type-options': 'nosniff',
};

/** Files of canvas extensions for the web UI. */
@Controller('api/canvas-extensions/installed/:extension_name')
export class CanvasFilesController {
  constructor(private readonly installations: Installations) {}

  @Get('bundle')
  @Scope('read')
  @Operation({
    tag,
    summary: 'Get the script of a canvas extension',
    description:
      'The JavaScript that the manifest names as `entrypoint`, for the web UI. Supports conditional requests.',
    path,
    answers: file,
    errors: { 404: 'The extension is not installed, or has no such file.' },
  })
  async bundle(
    @Param(NAME, name) extension: string,
    @Req() request: HttpRequest,
    @Res() response: HttpResponse,
  ): Promise<void> {
    const content = await this.read(extension, 'bundle');
    send(request, response, content, {
      'content-type': 'text/javascript; charset=utf-8',
      'x-content-type-options': 'nosniff',
    });
  }

  @Get('icon')
  @Scope('read')
  @Operation({
    tag,
    summary: 'Get the icon of a canvas extension',
    description:
      'The SVG file that the manifest names as `icon`, for the web UI. Supports conditional requests.',
    path,
    answers: file,
    errors: { 404: 'The extension is not installed, or has no such file.' },
  })
  async icon(
    @Param(NAME, name) extension: string,
    @Req() request: HttpRequest,
    @Res() response: HttpResponse,
  ): Promise<void> {
    const content = await this.read(extension, 'icon');
    send(request, response, content, { 'content-type': 'image/svg+xml', ...SVG_HEADERS });
  }

  private async read(extension: string, what: 'bundle' | 'icon'): Promise<Buffer> {
    try {
      const { install_path: folder } = await this.installations.canvas.get(extension);
      const { manifest } = await readCanvasManifest(folder);
      const place = what === 'bundle' ? manifest.entrypoint : manifest.icon;
      if (place !== null) return await readInside(folder, place, MAX_BYTES);
    } catch {
      // Not installed, invalid or missing: the same answer for all.
    }
    throw new NotFoundException(`Canvas extension '${extension}' ${what} not found`);
  }
}

function send(
  request: HttpRequest,
  response: HttpResponse,
  content: Buffer,
  headers: Record<string, string>,
): void {
  const etag = `"${createHash('sha256').update(content).digest('hex').slice(0, 32)}"`;
  response.set({ ...headers, 'cache-control': 'no-cache', etag });
  if (request.headers['if-none-match'] === etag) response.status(304).end();
  else response.status(200).end(content);
}
