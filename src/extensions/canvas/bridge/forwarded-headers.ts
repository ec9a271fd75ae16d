import type { IncomingMessage } from 'node:http';

/** Hop-by-hop headers, which are never forwarded. */
const HOP_BY_HOP = [
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
];
/** Headers with credentials for this server. */
const SERVER_HEADERS = ['authorization', 'cookie', 'host', 'x-session-api-key', 'x-init-api-key'];

/** Headers by name with all their values. */
type ForwardedHeaders = Record<string, string[]>;

/** Headers of a request that are forwarded to a back end. */
export function requestHeaders(request: IncomingMessage): ForwardedHeaders {
  return forwardedHeaders(request, [...SERVER_HEADERS, 'expect']);
}

/** Headers of a response that are forwarded to the client: no cookies, because the origin is shared. */
export function responseHeaders(response: IncomingMessage): ForwardedHeaders {
  return forwardedHeaders(response, ['set-cookie', 'set-cookie2']);
}

function forwardedHeaders(
  { rawHeaders, headers }: IncomingMessage,
  withheld: readonly string[],
): ForwardedHeaders {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  const dropped = new Set([...HOP_BY_HOP, ...named, ...withheld]);
  const kept = new Map<string, string[]>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? '';
    if (!dropped.has(name)) kept.set(name, [...(kept.get(name) ?? []), rawHeaders[index + 1] ?? '']);
  }
  return Object.fromEntries(kept);
}
