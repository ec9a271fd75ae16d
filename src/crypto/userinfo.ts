import { decodeUrlPart } from '../text/index.js';
import { MASK } from './mask.js';

/**
 * Scheme, user name and password of a URL, as `new URL` finds them: up to the last `@` before the path. Web
 * schemes need no slashes.
 */
const USERINFO = /^(\s*(?:(?:https?|wss?):[/\\]*|[a-z][a-z\d+.-]*:[/\\]{2}))([^/\\?#]*)@/i;

/**
 * Changes user name and password of a URL. A URL whose credentials were removed keeps its `@`; one without
 * `@` is returned unchanged.
 * @param change gets the credentials, or null if only the `@` is left; returns new ones, or null or undefined
 *   for none
 */
export function changeUserinfo(
  url: string,
  change: (userinfo: string | null) => string | null | undefined,
): string {
  const [all, scheme = '', userinfo = ''] = USERINFO.exec(url) ?? [];
  if (all === undefined) return url;
  return `${scheme}${change(userinfo === '' ? null : userinfo) ?? ''}@${url.slice(all.length)}`;
}

/** Masks user name and password of a URL: `https://**********@host`. Other text is not changed. */
export function maskUserinfo(url: string): string {
  return changeUserinfo(url, (userinfo) => userinfo && MASK);
}

/** The secrets in credentials: both parts, and the password alone, encoded and decoded. */
export function userinfoTexts(userinfo: string): string[] {
  const colon = userinfo.indexOf(':');
  const password = colon === -1 ? userinfo : userinfo.slice(colon + 1);
  return [userinfo, password, decodeUrlPart(password)].filter((text) => text !== '');
}
