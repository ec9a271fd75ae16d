import { MethodNotAllowedException, NotFoundException } from '@nestjs/common';
import type { NextFunction, Request, RequestHandler, Response, Router } from 'express';
import { pathToRegexp } from 'path-to-regexp';
import { withoutTrailingSlashes } from '../../text/index.js';

/** A registered route: its path as an expression, and its methods. */
interface KnownRoute {
  expression: RegExp;
  methods: string[];
}

/** Handlers around the routes of an application. */
interface UnmatchedRequests {
  /** Answers requests that only Express would pass to a route: HEAD and extra trailing slashes. */
  beforeRoutes: RequestHandler;
  /** Answers requests that match no route. */
  afterRoutes: RequestHandler;
}

/**
 * Answers requests that match no route: 405 with `Allow` for a known path with another method, 307 to the
 * path without trailing slashes where that is known, else 404.
 * @param router has all routes by the time of the first request
 * @param unknownPath answers requests for unknown paths, or passes them on
 */
export function unmatchedRequests(router: Router, unknownPath?: RequestHandler): UnmatchedRequests {
  let routes: KnownRoute[] | undefined;

  const afterRoutes: RequestHandler = (request, response, next) => {
    routes ??= routesOf(router);
    const { path } = request;
    const known = find(routes, path);
    if (known) {
      response.setHeader('Allow', known.methods.join(', '));
      return next(new MethodNotAllowedException('Method Not Allowed'));
    }
    const bare = withoutTrailingSlashes(path);
    if (bare !== path && find(routes, bare)) return redirect(request, response, bare);
    const notFound: NextFunction = (error?: unknown) => next(error ?? new NotFoundException('Not Found'));
    if (unknownPath) return unknownPath(request, response, notFound);
    notFound();
  };

  const beforeRoutes: RequestHandler = (request, response, next) => {
    const { method, path } = request;
    routes ??= routesOf(router);
    const hasExtraSlash = path.length > 1 && path.endsWith('/') && !find(routes, path, method);
    if (method === 'HEAD' || hasExtraSlash) return afterRoutes(request, response, next);
    next();
  };

  return { beforeRoutes, afterRoutes };
}

/** The first route for a path, with any method by default. */
function find(routes: readonly KnownRoute[], path: string, method?: string): KnownRoute | undefined {
  return routes.find(
    ({ expression, methods }) => (method === undefined || methods.includes(method)) && expression.test(path),
  );
}

/** In the order of their registration. A wildcard at the end of a path includes a trailing slash. */
function routesOf({ stack }: Router): KnownRoute[] {
  return stack.flatMap(({ route }) => {
    if (!route) return [];
    const trailing = route.path.includes('*');
    const { regexp: expression } = pathToRegexp(route.path, { sensitive: true, trailing });
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
