import { parseUrl } from './parse-url.js';
import { withoutEndSlashes } from './end-slashes.js';
import { remembered } from './remembered.js';

/** The origin of a web page. */
export interface WebOrigin {
  /** `scheme://host[:port]` in lower case, without the default port of the scheme. */
  readonly serialised: string;
  /** With its colon, as `https:`. */
  readonly protocol: string;
  /** Host and port; no port where it is the default of the scheme. */
  readonly host: string;
  /** IPv6 addresses are in brackets. */
  readonly hostname: string;
}

/** A host name has at most 253 characters (RFC 1035); a longer text is not looked at. */
const MAX_LENGTH = 512;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': ':80', 'https:': ':443' };

/**
 * Reads an `Origin` header.
 * @returns undefined unless the text is what browsers send for an origin (RFC 6454, 6.2), apart from case and
 *   a default port. A text that a URL parser would have to repair first (a backslash, a user, a path) is no
 *   origin. Nor is `null`.
 */
export const parseOrigin = remembered((text): WebOrigin | undefined => {
  if (text.length > MAX_LENGTH) return undefined;
  const lower = text.toLowerCase();
  const origin = originInUrl(lower);
  if (origin === undefined) return undefined;
  const { serialised, protocol } = origin;
  return lower === serialised || lower === serialised + (DEFAULT_PORTS[protocol] ?? '') ? origin : undefined;
});

/**
 * Reads a `Host` header, as strictly as an origin.
 * @param protocol of the connection that it came by: its default port is left out of `host`
 */
export function parseHost(text: string, protocol = 'http:'): WebOrigin | undefined {
  return parseOrigin(`${protocol}//${text}`);
}

/**
 * Reads an origin that a person wrote: also with slashes at its end, and with an international name.
 * @returns undefined when there is more in the text than an origin
 */
export function parseWrittenOrigin(text: string): WebOrigin | undefined {
  const lower = withoutEndSlashes(text.trim().toLowerCase());
  const origin = originInUrl(lower);
  if (origin === undefined) return undefined;
  return withoutEndSlashes(new URL(lower).href) === origin.serialised ? origin : undefined;
}

/** The origin in an address, whatever else is in that. */
export function originInUrl(text: string): WebOrigin | undefined {
  const url = parseUrl(text);
  if (url === undefined) return undefined;
  const { protocol, host, hostname } = url;
  // `URL.origin` is "null" for schemes of applications, as `tauri://localhost`.
  return host === '' ? undefined : { serialised: `${protocol}//${host}`, protocol, host, hostname };
}
