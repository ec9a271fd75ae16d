import { parseUrl } from './parse-url.js';
import { withoutTrailingSlashes } from '../trailing-characters.js';
import { memoize } from '../memoize.js';

/** The origin of a web page. */
export interface WebOrigin {
  /** `scheme://host[:port]` in lower case, without the default port of the scheme. */
  readonly serialised: string;
  /** With the colon: `https:`. */
  readonly protocol: string;
  /** Host and port, without the default port of the scheme. */
  readonly host: string;
  /** IPv6 addresses are in brackets. */
  readonly hostname: string;
}

/** Characters of an origin. A host name has at most 253 (RFC 1035); longer text is refused unread. */
const MAX_LENGTH = 512;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': ':80', 'https:': ':443' };

/**
 * Parses an `Origin` header.
 * @returns undefined unless the text is what browsers send for an origin (RFC 6454, 6.2), apart from case and
 *   a default port: not for `null`, nor for text that a URL parser would have to repair (a backslash, a user,
 *   a path)
 */
export const parseOrigin = memoize((text): WebOrigin | undefined => {
  if (text.length > MAX_LENGTH) return undefined;
  const lower = text.toLowerCase();
  const origin = originInUrl(lower);
  if (origin === undefined) return undefined;
  const { serialised, protocol } = origin;
  return lower === serialised || lower === serialised + (DEFAULT_PORTS[protocol] ?? '') ? origin : undefined;
});

/**
 * Parses a `Host` header, as strictly as an origin.
 * @param protocol of the connection; its default port is left out of `host`
 */
export function parseHost(text: string, protocol = 'http:'): WebOrigin | undefined {
  return parseOrigin(`${protocol}//${text}`);
}

/**
 * Parses an origin from the configuration: trailing slashes and international names are accepted.
 * @returns undefined if the text contains more than an origin
 */
export function parseWrittenOrigin(text: string): WebOrigin | undefined {
  const lower = withoutTrailingSlashes(text.trim().toLowerCase());
  const origin = originInUrl(lower);
  if (origin === undefined) return undefined;
  return withoutTrailingSlashes(new URL(lower).href) === origin.serialised ? origin : undefined;
}

/** The origin of a URL, which may contain more than that. */
export function originInUrl(text: string): WebOrigin | undefined {
  const url = parseUrl(text);
  if (url === undefined) return undefined;
  const { protocol, host, hostname } = url;
  // `URL.origin` is "null" for schemes of applications such as `tauri://localhost`.
  return host === '' ? undefined : { serialised: `${protocol}//${host}`, protocol, host, hostname };
}
