import type { IncomingMessage } from 'node:http';

/** Headers that are for one connection only (RFC 9110, 7.6.1), besides those that `Connection` names. */
const HOP_BY_HOP = [
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
];

/**
 * Marks the end of the body, whatever `Connection` says: without it the next server would read the body of a
 * DELETE as another request.
 */
const FRAMING = 'content-length';

/** Headers by lower-case name with all their values. */
export type ForwardedHeaders = Record<string, string[]>;

/** The headers of a message that may be passed on: the end-to-end ones without those that are withheld. */
export function endToEndHeaders(
  { rawHeaders, headers }: IncomingMessage,
  withheld: readonly string[],
): ForwardedHeaders {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  const dropped = new Set([...HOP_BY_HOP, ...named.filter((name) => name !== FRAMING), ...withheld]);
  const kept = new Map<string, string[]>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? '';
    if (dropped.has(name)) continue;
    const values = kept.get(name);
    if (values) values.push(rawHeaders[index + 1] ?? '');
    else kept.set(name, [rawHeaders[index + 1] ?? '']);
  }
  return Object.fromEntries(kept);
}

/** Keeps the chunked encoding of a body of unknown length. */
export function framingOf({ headers }: IncomingMessage): Record<string, string> {
  return headers['transfer-encoding'] === undefined ? {} : { 'transfer-encoding': 'chunked' };
}
