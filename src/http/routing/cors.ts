import type { NextFunction, Request, Response } from 'express';

/** Decides which web pages of other origins may call the server. */
export interface CorsOptions {
  allows: (origin: string, path: string) => boolean;
  /** Called for each request from an origin that is not allowed. */
  onRefused?: (origin: string, request: Request) => void;
}

const METHODS = 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, QUERY';
const PREFLIGHT_VARY =
  'Origin, Access-Control-Request-Method, Access-Control-Request-Headers, Access-Control-Request-Private-Network';

/** Answers preflight requests and adds CORS headers to all other answers. */
export function cors({ allows, onRefused }: CorsOptions) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const origin = request.headers.origin;
    response.setHeader('Vary', 'Origin');
    if (origin === undefined) return next();
    const isAllowed = allows(origin, request.path);
    if (!isAllowed) onRefused?.(origin, request);
    response.setHeader('Access-Control-Allow-Credentials', 'true');
    if (isAllowed) response.setHeader('Access-Control-Allow-Origin', origin);
    const isPreflight =
      request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined;
    if (isPreflight) answerPreflight(request, response, isAllowed);
    else next();
  };
}

function answerPreflight(request: Request, response: Response, isAllowed: boolean): void {
  response.setHeader('Vary', PREFLIGHT_VARY);
  response.setHeader('Access-Control-Allow-Methods', METHODS);
  response.setHeader('Access-Control-Max-Age', '600');
  const headers = request.headers['access-control-request-headers'];
  if (headers !== undefined) response.setHeader('Access-Control-Allow-Headers', headers);
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.status(isAllowed ? 200 : 400).end(isAllowed ? 'OK' : 'Disallowed CORS origin');
}
