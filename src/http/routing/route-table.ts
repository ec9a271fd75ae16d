import type { HttpServer } from '@nestjs/common';
import type { NextFunction, Request, RequestHandler, Response } from 'express';

/** A layer of Express's router, as far as it is used here. */
interface Layer {
  /** Only a layer of routes has one. */
  route?: { path: unknown; methods: Record<string, boolean> };
  handle: unknown;
  /** @throws URIError for a path that cannot be decoded */
  match(path: string): false | { params: Record<string, string> };
  handleRequest(request: Request, response: Response, next: NextFunction): void;
}

/** A route as it was registered. */
interface KnownRoute {
  path: string;
  methods: string[];
  layer: Layer;
  /** Its place in the router: of routes that match, Express takes the first. */
  index: number;
  /** Nothing but other routes comes between the dispatcher and this one. */
  isNext: boolean;
}

/** A route and what its parameters are in a path. */
export interface FoundRoute extends KnownRoute {
  params: Record<string, string>;
}

/** The routes that begin alike, by the segment that follows. */
interface Branch {
  literals: Map<string, Branch>;
  /** One segment of any text follows (`:id`). */
  parameter?: Branch;
  /** Routes that end here, and those that go on with something else than plain segments (`{/}`, `*path`). */
  routes: KnownRoute[];
}

const PLAIN = /^[^:*{}()\\]+$/;
const PARAMETER = /^:\w+$/;

/**
 * The routes of an application, found by the segments of a path. Express asks each of some 250 routes in
 * turn, by a regular expression; here those that can match are a handful, and only they are asked.
 */
export class RouteTable {
  private readonly root = newBranch();

  private constructor(routes: readonly KnownRoute[]) {
    for (const route of routes) this.add(route);
  }

  /**
   * Reads the routes out of Express, once all of them are registered.
   * @param after the middleware from which a route counts as `isNext`
   */
  static of(adapter: HttpServer, after: RequestHandler): RouteTable {
    const express: unknown = adapter.getInstance();
    const router: unknown = typeof express === 'function' ? Reflect.get(express, 'router') : undefined;
    if (!isRouter(router)) throw new Error('the HTTP adapter has no router of Express');
    const { stack } = router;
    const dispatcher = stack.findIndex(({ handle }) => handle === after);
    const other = stack.findIndex(({ route }, index) => index > dispatcher && route === undefined);
    const end = other < 0 ? stack.length : other;
    const routes = stack.flatMap((layer, index) => {
      if (layer.route === undefined) return [];
      const methods = Object.keys(layer.route.methods).map((name) => name.toUpperCase());
      const isNext = dispatcher >= 0 && index > dispatcher && index < end;
      return [{ path: String(layer.route.path), methods, layer, index, isNext }];
    });
    return new RouteTable(routes);
  }

  /** The routes that match a path, in the order of their registration. */
  find(path: string): FoundRoute[] {
    const candidates: KnownRoute[] = [];
    collect(this.root, segmentsOf(path), 0, candidates);
    const found: FoundRoute[] = [];
    for (const route of candidates) {
      const match = matchOf(route.layer, path);
      if (match !== false) found.push({ ...route, params: match.params });
    }
    return found.sort((one, other) => one.index - other.index);
  }

  private add(route: KnownRoute): void {
    let branch = this.root;
    for (const segment of segmentsOf(route.path)) {
      if (PARAMETER.test(segment)) branch = branch.parameter ??= newBranch();
      else if (PLAIN.test(segment)) branch = literal(branch, segment);
      else break;
    }
    branch.routes.push(route);
  }
}

/** Hands a request to a route, as Express would after it had asked all routes before it. */
export function dispatchTo(
  { layer, params }: FoundRoute,
  request: Request,
  response: Response,
  next: NextFunction,
): void {
  request.params = params;
  request.route = layer.route;
  layer.handleRequest(request, response, next);
}

function newBranch(): Branch {
  return { literals: new Map(), routes: [] };
}

function literal(branch: Branch, segment: string): Branch {
  const next = branch.literals.get(segment) ?? newBranch();
  branch.literals.set(segment, next);
  return next;
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '');
}

/** Everything on the way counts: what stands there may go on with a wildcard. */
function collect(branch: Branch, segments: readonly string[], depth: number, found: KnownRoute[]): void {
  found.push(...branch.routes);
  const segment = segments[depth];
  if (segment === undefined) return;
  const named = branch.literals.get(segment);
  if (named) collect(named, segments, depth + 1, found);
  if (branch.parameter) collect(branch.parameter, segments, depth + 1, found);
}

/** A path that cannot be decoded matches none. */
function matchOf(layer: Layer, path: string): ReturnType<Layer['match']> {
  try {
    return layer.match(path);
  } catch {
    return false;
  }
}

interface Router {
  stack: Layer[];
}

function isRouter(value: unknown): value is Router {
  return typeof value === 'function' && 'stack' in value && Array.isArray(value.stack);
}
