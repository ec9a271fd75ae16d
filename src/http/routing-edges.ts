import { type HttpServer, MethodNotAllowedException } from '@nestjs/common';
import type { NextFunction, Request, RequestHandler, Response } from 'express';

interface KnownRoute {
  /** As it was registered. */
  path: string;
  methods: string[];
  matches(path: string): boolean;
}

/**
 * What happens at the edges of routing, before any handler: a known path with another method is 405 with `Allow`
 * (HEAD and OPTIONS included), a known path with a slash too many is a 307 to the path without it.
 * @param unknownPath answers what no route knows, or passes it on
 */
export function routingEdges(adapter: HttpServer, unknownPath?: RequestHandler) {
  let known: KnownRoute[] | undefined;
  return (request: Request, response: Response, next: NextFunction): void => {
    // Routes are registered after this, all of them before the first request comes in.
    known ??= registeredRoutes(adapter);
    const { path, method } = request;
    const matching = known.filter((route) => route.matches(path) && !hasExtraSlash(path, route));
    if (matching.length === 0) {
      const bare = path.replace(/\/+$/, '');
      const isExtra = bare !== path && known.some((route) => route.matches(bare));
      if (isExtra) return redirect(request, response, bare);
      if (unknownPath === undefined) return next();
      return void unknownPath(request, response, next);
    }
    if (matching.some((route) => route.methods.includes(method))) return next();
    const allow = matching[0]?.methods.join(', ') ?? '';
    response.setHeader('Allow', allow);
    next(new MethodNotAllowedException('Method Not Allowed'));
  };
}

/** Express takes a path with a trailing slash for one without; here they differ, unless the route has both (`{/}`). */
function hasExtraSlash(path: string, route: KnownRoute): boolean {
  return path.length > 1 && path.endsWith('/') && !/\/\}?$/.test(route.path) && !route.path.includes('*');
}

function redirect(request: Request, response: Response, path: string): void {
  const query = request.originalUrl.indexOf('?');
  const host = request.headers.host ?? 'localhost';
  const search = query < 0 ? '' : request.originalUrl.slice(query);
  response.setHeader('Location', `${request.protocol}://${host}${path}${search}`);
  response.status(307).end();
}

/** Reads the routes out of Express. A path that cannot be decoded matches none. */
function registeredRoutes(adapter: HttpServer): KnownRoute[] {
  const express: unknown = adapter.getInstance();
  const router: unknown = typeof express === 'function' ? Reflect.get(express, 'router') : undefined;
  if (!isRouter(router)) throw new Error('the HTTP adapter has no router of Express');
  return router.stack.flatMap((layer) => {
    const { route } = layer;
    if (!route) return [];
    const methods = Object.keys(route.methods).map((name) => name.toUpperCase());
    const matches = (path: string): boolean => {
      try {
        return layer.match(path);
      } catch {
        return false;
      }
    };
    return [{ path: String(route.path), methods, matches }];
  });
}

interface Router {
  stack: { route?: { path: unknown; methods: Record<string, boolean> }; match(path: string): boolean }[];
}

function isRouter(value: unknown): value is Router {
  return typeof value === 'function' && 'stack' in value && Array.isArray(value.stack);
}
