import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { loggableUrl } from '../../logging/index.js';
import { isTracing, openSpan } from '../../telemetry/index.js';

/** Paths that health checks request every few seconds. */
const PROBES = new Set(['/alive', '/health', '/ready']);
/** Methods of HTTP; a span must not get its name from a client. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const MAX_AGENT = 256;

/**
 * Middleware that makes a span of each request but health checks, with the names of the conventions for HTTP
 * servers. It goes on with the trace of a caller (`traceparent`). Empty without traces.
 */
export function traceRequests(): RequestHandler[] {
  return isTracing() ? [traceRequest] : [];
}

function traceRequest(request: Request, response: Response, next: NextFunction): void {
  const { originalUrl } = request;
  if (PROBES.has(originalUrl)) return next();
  const method = METHODS.has(request.method) ? request.method : '_OTHER';
  const { localAddress, localPort } = request.socket;
  const span = openSpan(method, {
    kind: 'server',
    remote: { traceparent: request.get('traceparent'), tracestate: request.get('tracestate') },
    attributes: {
      'http.request.method': method,
      'url.path': pathOf(originalUrl),
      'url.scheme': request.protocol,
      'server.address': localAddress,
      'server.port': localPort,
      'user_agent.original': request.get('user-agent')?.slice(0, MAX_AGENT),
    },
  });
  if (span === undefined) return next();
  response.on('close', () => {
    const route = routeOf(request);
    if (route !== undefined) span.rename(`${method} ${route}`);
    const { statusCode } = response;
    span.set({ 'http.route': route, 'http.response.status_code': statusCode });
    if (!response.writableFinished) span.set({ 'openhands.interrupted': true });
    else if (statusCode >= 500) span.fail(String(statusCode));
    span.end();
  });
  span.run(next);
}

/** Without the query, whose values may be secrets. */
function pathOf(url: string): string {
  return loggableUrl(url).split('?', 1)[0] ?? '';
}

/** The template of the route, as the API document writes it; undefined if no route has answered. */
function routeOf(request: Request): string | undefined {
  const route: unknown = request.route;
  const path: unknown = typeof route === 'object' && route !== null ? Reflect.get(route, 'path') : undefined;
  if (typeof path !== 'string') return undefined;
  return path.replaceAll(/:(\w+)/g, '{$1}');
}
