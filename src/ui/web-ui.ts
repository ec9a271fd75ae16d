import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Logger } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';
import { ConfigError, type AppConfig } from '../config/index.js';
import { PathGuard, sendFile, type GuardedPath } from '../workspace/index.js';
import { withServerConfig } from './page-config.js';

/** What a bundler named after its content never changes. */
const ASSET = /(?:^|\/)assets\//;
const HASHED = /[.-][\w-]{8,64}\.\w{1,16}$/;
const FOREVER = 'public, max-age=31536000, immutable';
/** Paths of the server itself: what is not there stays a 404, whatever a browser would like to see. */
const RESERVED = /^\/(api|sockets|v1|docs|redoc|openapi\.json|static|app-backends)(\/|$)/;
/**
 * Routes whose addresses are also those of pages: a browser that opens one gets the page, a client of the API
 * the route.
 */
const SHARED = /^\/($|conversations(\/|$))/;
const PAGE = 'index.html';
/** Where `static_files_path` is served, as in the original. */
const MOUNT = '/static';

type TrustCheck = (request: Request) => boolean;

/**
 * A built web UI, served beside the API by the same port. It answers only what no route answers, so it cannot
 * hide one.
 * - `ui_path`: pages and files at `/`; any other address that a browser opens is the page, which finds its
 *   way itself.
 *   `GET /` and the first spelling of the conversations' routes stay what they are for everybody but
 *   browsers.
 * - `static_files_path`: the same folder of files below `/static`, where `/` leads to, and at `/` for what is
 *   built so.
 */
export class WebUi {
  private constructor(
    private readonly guard: PathGuard,
    private readonly config: AppConfig,
    /** `/` is the page itself, or leads to the mount. */
    private readonly atRoot: boolean,
    private readonly isTrusted: TrustCheck,
  ) {}

  /**
   * The UI that is configured, if there is one. A `static_files_path` that is not there is left out with a
   * warning, as the original does.
   * @param isTrusted whether whoever asks may be given the session key
   * @throws ConfigError when `ui_path` holds no page
   */
  static async configured(config: AppConfig, isTrusted: TrustCheck): Promise<WebUi | undefined> {
    const ui = config.paths.ui;
    const staticFiles = config.paths.staticFiles;
    if (ui !== null) {
      const guard = await PathGuard.of(ui).catch(() => undefined);
      const page = await guard?.find(PAGE).catch(() => undefined);
      if (guard === undefined || page?.kind !== 'file') {
        const expected = `a folder with a built web UI (an ${PAGE})`;
        throw new ConfigError([
          { path: 'ui_path', expected, found: `'${ui}'`, source: '--ui or OH_UI_PATH' },
        ]);
      }
      return new WebUi(guard, config, true, isTrusted);
    }
    if (staticFiles === null) return undefined;
    const guard = await PathGuard.of(staticFiles).catch(() => undefined);
    if (guard !== undefined) return new WebUi(guard, config, false, isTrusted);
    new Logger('Server').warn(`static_files_path is no folder, nothing is served from it: ${staticFiles}`);
    return undefined;
  }

  /** Answers before the routes do what a browser means by an address that is also a route's. */
  readonly beforeRoutes = (request: Request, response: Response, next: NextFunction): void => {
    if (!SHARED.test(request.path) || !isReading(request)) return next();
    if (this.atRoot) {
      response.vary('Accept');
      if (!isOpened(request)) return next();
      void this.sendPage(request, response).catch(next);
    } else if (request.path === '/') {
      void this.find(PAGE).then((page) => {
        response.redirect(302, page === undefined ? `${MOUNT}/` : `${MOUNT}/${PAGE}`);
      }, next);
    } else next();
  };

  /** Answers a path that no route knows, if it can. */
  readonly unknownPath = (request: Request, response: Response, next: NextFunction): void => {
    if (!isReading(request)) return next();
    void this.answer(request, response).then((done) => {
      if (!done) next();
    }, next);
  };

  private async answer(request: Request, response: Response): Promise<boolean> {
    const relative = this.pathOf(request);
    if (relative === undefined) return false;
    const found = await this.find(relative === '' ? PAGE : relative);
    if (found?.kind === 'file') {
      if (found.path.endsWith('.html')) await this.sendPage(request, response, found.path);
      else await this.sendAsset(request, response, found.path);
      return true;
    }
    // An address of the page's own, not a file that is missing.
    const isAddress = !/(^|\/)\.|\.\w+$/.test(relative) && !RESERVED.test(request.path);
    if (!isAddress || !isOpened(request) || (await this.find(PAGE)) === undefined) return false;
    await this.sendPage(request, response);
    return true;
  }

  /** The path below the folder, decoded once; nothing for what is not ours. */
  private pathOf({ path: encoded }: Request): string | undefined {
    const below = encoded === MOUNT || encoded.startsWith(`${MOUNT}/`);
    if (below && this.atRoot) return undefined;
    try {
      return decodeURIComponent((below ? encoded.slice(MOUNT.length) : encoded).replace(/^\//, ''));
    } catch {
      return undefined;
    }
  }

  /** Nothing is hidden in a UI that has to be seen: files that begin with a dot are not served. */
  private async find(relative: string): Promise<GuardedPath | undefined> {
    if (relative.split('/').some((part) => part.startsWith('.'))) return undefined;
    return this.guard.find(relative).catch(() => undefined);
  }

  private async sendPage(
    request: Request,
    response: Response,
    file = path.join(this.guard.root, PAGE),
  ): Promise<void> {
    const html = withServerConfig(await readFile(file, 'utf8'), this.config, this.isTrusted(request));
    response.setHeader('Cache-Control', 'no-store');
    response.setHeader('X-Content-Type-Options', 'nosniff');
    // A page that may hold a key, and acts with it, is not to be framed by others.
    response.setHeader('Content-Security-Policy', "frame-ancestors 'self'");
    // Nor is it in the hands of the page that opened it, which may be a file of a workspace.
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin-allow-popups');
    response.setHeader('Referrer-Policy', 'same-origin');
    response.type('html').send(html);
  }

  private sendAsset(request: Request, response: Response, file: string): Promise<void> {
    const name = path.relative(this.guard.root, file);
    const isHashed = ASSET.test(name) && HASHED.test(name);
    return sendFile(request, response, file, isHashed ? FOREVER : 'no-cache');
  }
}

function isReading({ method }: Request): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** A browser opens the address as a page; clients of the API, probes and scripts of pages do not. */
function isOpened(request: Request): boolean {
  const destination = request.get('sec-fetch-dest');
  const isDocument = destination === undefined || destination === 'document' || destination === 'iframe';
  return isDocument && (request.get('accept') ?? '').includes('text/html');
}
