import type { IncomingMessage } from 'node:http';

/** What is between two programs that speak to each other, and not for whom one of them speaks. */
const HOP_BY_HOP = [
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
];
/** What a client shows to this server. */
const SERVER_HEADERS = ['authorization', 'cookie', 'host', 'x-session-api-key', 'x-init-api-key'];

/** Headers by name; one that came several times has several values. */
export type ForwardedHeaders = Record<string, string[]>;

/** What a back end is told of a request. */
export function requestHeaders(request: IncomingMessage): ForwardedHeaders {
  return forwardedHeaders(request, [...SERVER_HEADERS, 'expect']);
}

/**
 * What a client is told of the answer of a back end: it sets no cookies for the origin that it shares with
 * others.
 */
export function responseHeaders(response: IncomingMessage): ForwardedHeaders {
  return forwardedHeaders(response, ['set-cookie', 'set-cookie2']);
}

function forwardedHeaders({ rawHeaders, headers }: IncomingMessage, withheld: readonly string[]): ForwardedHeaders {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  const dropped = new Set([...HOP_BY_HOP, ...named, ...withheld]);
  const kept = new Map<string, string[]>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? '';
    if (!dropped.has(name)) kept.set(name, [...(kept.get(name) ?? []), rawHeaders[index + 1] ?? '']);
  }
  return Object.fromEntries(kept);
}
