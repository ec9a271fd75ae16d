import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Logger } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';
import { ConfigError, type AppConfig } from '../config/index.js';
import { isNavigation, isReading } from '../http/index.js';
import { PathGuard, sendFile, type GuardedPath } from '../workspace/index.js';
import { withServerConfig } from './page-config.js';

/** Files that a bundler names after their content never change. */
const ASSET = /(?:^|\/)assets\//;
const HASHED = /[.-][\w-]{8,64}\.\w{1,16}$/;
const FOREVER = 'public, max-age=31536000, immutable';
/** Paths of the server: unknown ones answer 404, never the page. */
const RESERVED = /^\/(api|sockets|v1|docs|redoc|openapi\.json|static|app-backends|a2a|\.well-known)(\/|$)/;
/** Paths of both routes and pages: a browser that opens one gets the page, an API client the route. */
const SHARED = /^\/($|mcp$|conversations(\/|$))/;
const PAGE = 'index.html';
/** Path of `static_files_path`, as in the original (openhands-agent-server). */
const MOUNT = '/static';

type TrustCheck = (request: Request) => boolean;

/**
 * A built web UI, served on the same port as the API. It answers only paths without a route, so it cannot
 * hide one.
 * - `ui_path`: files at `/`. Any other path that a browser opens is answered with the page, which routes by
 *   itself. `GET /` and the routes below `/conversations` still answer other clients.
 * - `static_files_path`: files below `/static`, to which `/` redirects, and also at `/` for pages that are
 *   built so.
 */
export class WebUi {
  private constructor(
    private readonly guard: PathGuard,
    private readonly config: AppConfig,
    /** `/` answers the page; otherwise it redirects to the mount. */
    private readonly atRoot: boolean,
    private readonly isTrusted: TrustCheck,
  ) {}

  /**
   * The configured UI, if there is one. A missing `static_files_path` is ignored with a warning, as in the
   * original.
   * @param isTrusted whether the client of a request may receive the session key
   * @throws ConfigError when `ui_path` contains no page
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
      new Logger('Server').log(`web UI at /: ${ui}`);
      return new WebUi(guard, config, true, isTrusted);
    }
    if (staticFiles === null) return undefined;
    const guard = await PathGuard.of(staticFiles).catch(() => undefined);
    if (guard !== undefined) return new WebUi(guard, config, false, isTrusted);
    new Logger('Server').warn(`static_files_path is not a folder, nothing is served from it: ${staticFiles}`);
    return undefined;
  }

  /** Middleware before the routes: answers paths that are both routes and pages, if a browser opens them. */
  readonly beforeRoutes = (request: Request, response: Response, next: NextFunction): void => {
    if (!SHARED.test(request.path) || !isReading(request)) return next();
    if (this.atRoot) {
      response.vary('Accept');
      if (!isNavigation(request)) return next();
      void this.sendPage(request, response).catch(next);
    } else if (request.path === '/') {
      void this.find(PAGE).then((page) => {
        response.redirect(302, page === undefined ? `${MOUNT}/` : `${MOUNT}/${PAGE}`);
      }, next);
    } else next();
  };

  /** Answers a path without a route, if there is a file or a page for it. */
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
    // A path that the page routes itself, not a missing file.
    const isAddress = !/(^|\/)\.|\.\w+$/.test(relative) && !RESERVED.test(request.path);
    if (!isAddress || !isNavigation(request) || (await this.find(PAGE)) === undefined) return false;
    await this.sendPage(request, response);
    return true;
  }

  /** The path relative to the folder, decoded once; undefined for paths that the UI does not serve. */
  private pathOf({ path: encoded }: Request): string | undefined {
    const below = encoded === MOUNT || encoded.startsWith(`${MOUNT}/`);
    if (below && this.atRoot) return undefined;
    try {
      return decodeURIComponent((below ? encoded.slice(MOUNT.length) : encoded).replace(/^\//, ''));
    } catch {
      return undefined;
    }
  }

  /** Files that begin with a dot are not served: they are not part of a UI. */
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
    // Other sites must not frame a page that may contain a key.
    response.setHeader('Content-Security-Policy', "frame-ancestors 'self'");
    // Nor may the page that opened it access it: that may be a file of a workspace.
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
