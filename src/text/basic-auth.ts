import { parseUrl } from './parse-url.js';
/** An address as `fetch` takes it, and the header that its name and password are sent as. */
export interface AddressParts {
  /** Without name and password. */
  url: string;
  /** The value of `Authorization` (RFC 7617); undefined where the address has neither. */
  authorization?: string;
}

/** Takes name and password out of an address; a text that is no address, or has neither, stays as it is. */
export function splitBasicAuth(address: string): AddressParts {
  const url = parseUrl(address);
  if (url === undefined || (url.username === '' && url.password === '')) return { url: address };
  const pair = `${unescaped(url.username)}:${unescaped(url.password)}`;
  url.username = '';
  url.password = '';
  return { url: url.href, authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
