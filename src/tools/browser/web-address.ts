import { parseUrl } from '../../text/index.js';
import { BrowserError } from './browser-error.js';

const ALLOWED = new Set(['http:', 'https:']);
const BLANK = 'about:blank';

/**
 * The address that a model means: `https` goes without saying, and `http` for this machine. The web only:
 * files of this machine and the browser's own pages are not for it.
 * @throws BrowserError
 */
export function webAddress(said: string): string {
  const text = said.trim();
  if (text === BLANK) return text;
  const hasScheme = /^[a-z][a-z0-9+.-]*:(?!\d+(\/|\?|#|$))/i.test(text);
  const isLocal = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:|\/|\?|#|$)/i.test(text);
  const address = hasScheme ? text : `${isLocal ? 'http' : 'https'}://${text}`;
  const url = parseUrl(address);
  if (url === undefined) throw new BrowserError(`${said} is no address of a page.`);
  if (!ALLOWED.has(url.protocol)) {
    throw new BrowserError(
      `The browser opens http and https pages only, not ${url.protocol}. Use the other tools for files of this machine.`,
    );
  }
  return url.href;
}
