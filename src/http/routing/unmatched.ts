import { MethodNotAllowedException, NotFoundException } from '@nestjs/common';
import type { NextFunction, Request, RequestHandler, Response, Router } from 'express';
import { pathToRegexp } from 'path-to-regexp';
import { withoutEndSlashes } from '../../text/index.js';

/** A registered route: its path as an expression, and its methods. */
interface KnownRoute {
  expression: RegExp;
  methods: string[];
}

/**
 * Answers requests that match no route: 405 with `Allow` for a known path with another method, 307 to the
 * path without trailing slashes where that is known, else 404.
 * @param router has all routes by the time of the first request
 * @param unknownPath answers requests for unknown paths, or passes them on
 */
export function unmatched(router: Router, unknownPath?: RequestHandler): RequestHandler {
  let routes: KnownRoute[] | undefined;
  return (request, response, next) => {
    routes ??= routesOf(router);
    const { path } = request;
    const known = find(routes, path);
    if (known) {
      response.setHeader('Allow', known.methods.join(', '));
      return next(new MethodNotAllowedException('Method Not Allowed'));
    }
    const bare = withoutEndSlashes(path);
    if (bare !== path && find(routes, bare)) return redirect(request, response, bare);
    const notFound: NextFunction = (error?: unknown) => next(error ?? new NotFoundException('Not Found'));
    if (unknownPath) return unknownPath(request, response, notFound);
    notFound();
  };
}

/** Express answers HEAD by the handlers of GET; this API has no HEAD. */
export function refuseHead(handler: RequestHandler): RequestHandler {
  return (request, response, next) => {
    if (request.method === 'HEAD') return handler(request, response, next);
    next();
  };
}

function find(routes: readonly KnownRoute[], path: string): KnownRoute | undefined {
  return routes.find(({ expression }) => expression.test(path));
}

/** In the order of their registration. */
function routesOf({ stack }: Router): KnownRoute[] {
  return stack.flatMap(({ route }) => {
    if (!route) return [];
    const { regexp: expression } = pathToRegexp(route.path, { sensitive: true, trailing: false });
    return [{ expression, methods: route.stack.map(({ method }) => method.toUpperCase()) }];
  });
}

function redirect(request: Request, response: Response, path: string): void {
  const query = request.originalUrl.indexOf('?');
  const host = request.headers.host ?? 'localhost';
  const search = query < 0 ? '' : request.originalUrl.slice(query);
  response.setHeader('Location', `${request.protocol}://${host}${path}${search}`);
  response.status(307).end();
}
