import { decodeUrlPart, parseUrl } from './parse-url.js';

/** A URL that `fetch` accepts, and the header for its user name and password. */
export interface AddressParts {
  /** Without user name and password. */
  url: string;
  /** The value of `Authorization` (RFC 7617); undefined if the URL has neither. */
  authorization?: string;
}

/**
 * Moves user name and password from a URL to a header. Text without them, or that is no URL, is not changed.
 */
export function splitBasicAuth(address: string): AddressParts {
  const url = parseUrl(address);
  if (url === undefined || (url.username === '' && url.password === '')) return { url: address };
  const pair = `${decodeUrlPart(url.username)}:${decodeUrlPart(url.password)}`;
  url.username = '';
  url.password = '';
  return { url: url.href, authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}
