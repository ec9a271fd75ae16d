import { parseUrl } from '../../text/index.js';
import { BrowserError } from './browser-error.js';

const ALLOWED_PROTOCOLS = new Set(['http:', 'https:']);
const BLANK = 'about:blank';

/**
 * Normalises an address. Without a scheme, `https` is assumed, or `http` for this machine. Only `http` and
 * `https` are allowed, not local files and browser pages.
 * @throws BrowserError
 */
export function webAddress(given: string): string {
  const text = given.trim();
  if (text === BLANK) return text;
  const hasScheme = /^[a-z][a-z0-9+.-]*:(?!\d+(\/|\?|#|$))/i.test(text);
  const isLocal = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:|\/|\?|#|$)/i.test(text);
  const address = hasScheme ? text : `${isLocal ? 'http' : 'https'}://${text}`;
  const url = parseUrl(address);
  if (url === undefined) throw new BrowserError(`${given} is no address of a page.`);
  if (!ALLOWED_PROTOCOLS.has(url.protocol)) {
    throw new BrowserError(
      `The browser opens http and https pages only, not ${url.protocol}. Use the other tools for files of this machine.`,
    );
  }
  return url.href;
}
