import { decodeUrlPart } from '../text/index.js';
import { MASK } from './mask.js';

/**
 * Scheme, name and password of a URL as `new URL` finds them: up to the last `@` before the path. Web schemes
 * do without slashes.
 */
const USERINFO = /^(\s*(?:(?:https?|wss?):[/\\]*|[a-z][a-z\d+.-]*:[/\\]{2}))([^/\\?#]*)@/i;

/**
 * A URL with another name and password. One that has lost them keeps the `@` as their place; without an `@`
 * it stays as it is.
 * @param change null: there are none at the moment; answers with what takes their place, null or undefined
 *   for nothing
 */
export function changeUserinfo(
  url: string,
  change: (userinfo: string | null) => string | null | undefined,
): string {
  const [all, scheme = '', userinfo = ''] = USERINFO.exec(url) ?? [];
  if (all === undefined) return url;
  return `${scheme}${change(userinfo === '' ? null : userinfo) ?? ''}@${url.slice(all.length)}`;
}

/** A URL as people may see it: `https://**********@host`. Any other text stays as it is. */
export function maskUserinfo(url: string): string {
  return changeUserinfo(url, (userinfo) => userinfo && MASK);
}

/** A name and a password, and the password alone, as it stands in the URL and as it is meant. */
export function userinfoTexts(userinfo: string): string[] {
  const colon = userinfo.indexOf(':');
  const password = colon === -1 ? userinfo : userinfo.slice(colon + 1);
  return [userinfo, password, decodeUrlPart(password)].filter((text) => text !== '');
}
