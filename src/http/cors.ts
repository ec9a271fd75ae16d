import type { NextFunction, Request, Response } from 'express';

/** Which pages of other origins may call the server. Pages of localhost and 127.0.0.1 always may. */
export interface CorsOptions {
  /** Exact origins, such as `https://app.example`. */
  origins: readonly string[];
  /** Further origins; the whole origin has to match. */
  originPattern?: RegExp;
  /** A further host name that is trusted like localhost (how containers reach their host). */
  trustedHost?: string;
}

const METHODS = 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, QUERY';
const PREFLIGHT_VARY =
  'Origin, Access-Control-Request-Method, Access-Control-Request-Headers, Access-Control-Request-Private-Network';
/** Any web page may ask here: what these paths serve is protected by its own cookie. */
const OPEN_PATHS = /^\/api\/(auth\/workspace-session$|conversations\/[^/]+\/workspace(\/|$))/;

/** Answers preflight requests and marks every other answer with what the calling page may see of it. */
export function cors(options: CorsOptions) {
  const allowed = originCheck(options);
  return (request: Request, response: Response, next: NextFunction): void => {
    const origin = request.headers.origin;
    response.setHeader('Vary', 'Origin');
    if (origin === undefined) return next();
    const isAllowed = OPEN_PATHS.test(request.path) ? /^https?:\/\//.test(origin) : allowed(origin);
    response.setHeader('Access-Control-Allow-Credentials', 'true');
    if (isAllowed) response.setHeader('Access-Control-Allow-Origin', origin);
    const isPreflight =
      request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined;
    if (isPreflight) answerPreflight(request, response, isAllowed);
    else next();
  };
}

function originCheck({ origins, originPattern, trustedHost }: CorsOptions): (origin: string) => boolean {
  const exact = new Set(origins);
  const hosts = new Set(['localhost', '127.0.0.1', ...(trustedHost ? [trustedHost] : [])]);
  const whole = originPattern && new RegExp(`^(?:${originPattern.source})$`, originPattern.flags);
  return (origin) =>
    exact.has('*') ||
    exact.has(origin) ||
    whole?.test(origin) === true ||
    (URL.canParse(origin) && hosts.has(new URL(origin).hostname));
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
