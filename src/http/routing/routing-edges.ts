import { type HttpServer, MethodNotAllowedException } from '@nestjs/common';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { withoutTrailingSlashes } from '../../text/index.js';
import { dispatchTo, type FoundRoute, RouteTable } from './route-table.js';

/** What comes before the handlers of an application. */
interface Routing {
  /**
   * What happens at the edges of routing: a known path with another method is 405 with `Allow` (HEAD and
   * OPTIONS included), a known path with a slash too many is a 307 to the path without it.
   */
  edges: RequestHandler;
  /** Goes straight to the handler that the edges have found; put it last of all middleware. */
  dispatch: RequestHandler;
}

/**
 * @param last the middleware in which `dispatch` is, after all others
 * @param unknownPath answers what no route knows, or passes it on
 */
export function routing(
  adapter: HttpServer,
  last: () => RequestHandler,
  unknownPath?: RequestHandler,
): Routing {
  let table: RouteTable | undefined;
  const found = new WeakMap<Request, FoundRoute>();

  const edges = (request: Request, response: Response, next: NextFunction): void => {
    // Routes are registered after this, all of them before the first request comes in.
    table ??= RouteTable.of(adapter, last());
    const { path, method } = request;
    const matching = table.find(path).filter((route) => !hasExtraSlash(path, route));
    if (matching.length === 0) {
      const bare = withoutTrailingSlashes(path);
      if (bare !== path && table.find(bare).length > 0) return redirect(request, response, bare);
      if (unknownPath === undefined) return next();
      return void unknownPath(request, response, next);
    }
    const route = matching.find(({ methods }) => methods.includes(method));
    if (route === undefined) {
      response.setHeader('Allow', matching[0]?.methods.join(', ') ?? '');
      return next(new MethodNotAllowedException('Method Not Allowed'));
    }
    found.set(request, route);
    next();
  };

  const dispatch = (request: Request, response: Response, next: NextFunction): void => {
    const route = found.get(request);
    if (route?.isNext) dispatchTo(route, request, response, next);
    else next();
  };

  return { edges, dispatch };
}

/**
 * Express takes a path with a trailing slash for one without; here they differ, unless the route has both
 * (`{/}`).
 */
function hasExtraSlash(path: string, route: FoundRoute): boolean {
  return path.length > 1 && path.endsWith('/') && !/\/\}?$/.test(route.path) && !route.path.includes('*');
}

function redirect(request: Request, response: Response, path: string): void {
  const query = request.originalUrl.indexOf('?');
  const host = request.headers.host ?? 'localhost';
  const search = query < 0 ? '' : request.originalUrl.slice(query);
  response.setHeader('Location', `${request.protocol}://${host}${path}${search}`);
  response.status(307).end();
}
