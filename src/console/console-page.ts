import path from 'node:path';
import type { NextFunction, Request, Response } from 'express';
import { isReading, prefersPage } from '../http/index.js';
import { sendFile } from '../workspace/index.js';
import { ConsoleFiles } from './console-files.js';

const MOUNT = '/console';
const ASSETS = `${MOUNT}/assets/`;
/** Names of assets contain a hash of their content. */
const FOREVER = 'public, max-age=31536000, immutable';
/** Deeper addresses are none of the console's views. */
const MAX_DEPTH = 4;

/** The page runs only its own scripts and styles, and talks to its own server only. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

/**
 * The console at `/console/`, for people who run agents. It needs no key: the page asks for one and sends it
 * to the API. Its views are addresses below `/console/`, all answered with the same page.
 */
export class ConsolePage {
  private readonly files: ConsoleFiles | undefined;

  /**
   * @param packageFolder of the program
   * @param isHome whether a browser that opens `/` is led to the console
   */
  constructor(
    packageFolder: string,
    private readonly isHome: boolean,
  ) {
    this.files = ConsoleFiles.find(packageFolder);
  }

  /** Middleware before the routes. Redirects are relative: a proxy may have removed a prefix of the path. */
  readonly beforeRoutes = (request: Request, response: Response, next: NextFunction): void => {
    if (!isReading(request)) return next();
    if (request.path === '/' && this.isHome && prefersPage(request)) {
      response.vary('Accept');
      redirect(response, `${MOUNT.slice(1)}/`);
    } else if (request.path === MOUNT) redirect(response, `${MOUNT.slice(1)}/`);
    else if (request.path.startsWith(ASSETS)) this.sendAsset(request, response).catch(next);
    else if (request.path.startsWith(`${MOUNT}/`)) this.sendPage(request, response, next);
    else next();
  };

  private sendPage(request: Request, response: Response, next: NextFunction): void {
    const depth = request.path.split('/').length - MOUNT.split('/').length - 1;
    if (depth > MAX_DEPTH) return next();
    response.setHeader('Cache-Control', 'no-store');
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Referrer-Policy', 'no-referrer');
    response.setHeader('Content-Security-Policy', POLICY);
    // A page that opened this one cannot access it, and the other way round.
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    if (this.files === undefined) {
      response.status(503).type('text').send('The console is not built. Run `npm run build`.\n');
    } else response.type('html').send(this.files.pageAt(depth));
  }

  private async sendAsset(request: Request, response: Response): Promise<void> {
    const name = request.path.slice(ASSETS.length);
    response.vary('Accept-Encoding');
    const asset = this.files?.asset(name, request.acceptsEncodings('gzip') === 'gzip');
    if (asset === undefined) {
      response.status(404).type('text').send('No such file.\n');
      return;
    }
    if (asset.isCompressed) response.setHeader('Content-Encoding', 'gzip');
    response.type(path.extname(name));
    await sendFile(request, response, asset.path, FOREVER);
  }
}

/** Express would resolve a relative address. */
function redirect(response: Response, location: string): void {
  response.status(302).setHeader('Location', location).end();
}
