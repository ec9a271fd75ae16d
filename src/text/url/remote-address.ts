import { isSecretName } from '../secret-name.js';
import { decodeUrlPart } from './parse-url.js';

/** Replaces user name and password, as in the original. */
const USERINFO_MASK = '****';
const VALUE_MASK = '%3Credacted%3E';
/** Parameters with signatures or passwords that `isSecretName` does not know. */
const MORE_SECRETS = new Set([
  'auth',
  'sig',
  'signature',
  'x-amz-signature',
  'x-goog-signature',
  'pwd',
  'pass',
]);
/** What may be a URL in foreign text; git also prints hosts without a scheme. */
const WORD = /[^\s'"<>()]+/g;
const SCHEME = /^([a-z][a-z\d+.-]*):/i;

/**
 * Masks the URL of a repository for display: `****` for user name and password, `%3Credacted%3E` for values
 * of parameters with secret names. A user name without password is kept in `git@host:path` and
 * `ssh://git@host`.
 */
export function maskRemote(address: string): string {
  const end = address.search(/[?#]/);
  const place = end === -1 ? address : address.slice(0, end);
  return maskUser(place) + (end === -1 ? '' : maskedParameters(address.slice(end)));
}

/** Masks the values of parameters with secret names in a URL: `%3Credacted%3E`. */
export function maskParameters(address: string): string {
  const end = address.search(/[?#]/);
  return end === -1 ? address : address.slice(0, end) + maskedParameters(address.slice(end));
}

/** Masks all URLs in a text (`maskRemote`). */
export function maskRemotes(text: string): string {
  return text.replace(WORD, (word) => (/[@?#]/.test(word) ? maskRemote(word) : word));
}

function maskUser(place: string): string {
  const at = place.lastIndexOf('@');
  if (at === -1) return place;
  const scheme = SCHEME.exec(place)?.[1]?.toLowerCase();
  const slashes = /^[a-z][a-z\d+.-]*:([/\\]*)/i.exec(place)?.[1]?.length ?? 0;
  const isUrl = scheme !== undefined && (slashes >= 2 || /^(https?|wss?)$/.test(scheme));
  const start = isUrl ? scheme.length + 1 + slashes : 0;
  const userEnd = endOfUser(place, start);
  if (userEnd === undefined) return place;
  const user = place.slice(start, userEnd);
  const isName = !user.includes(':') && (!isUrl || scheme === 'ssh' || scheme.endsWith('+ssh'));
  if (isName || user === '') return place;
  return `${place.slice(0, start)}${USERINFO_MASK}${place.slice(userEnd)}`;
}

/** The position of the `@` after user name and password; a password may contain unescaped slashes. */
function endOfUser(place: string, start: number): number | undefined {
  const slash = place.slice(start).search(/[/\\]/);
  const authority = slash === -1 ? place.length : start + slash;
  const at = place.lastIndexOf('@', authority);
  if (at >= start && at < authority) return at;
  // `user:pa/ss@host`: what follows the colon is not a port.
  if (start === 0) return undefined;
  const colon = place.indexOf(':', start);
  const isPort = colon === -1 || colon > authority || /^\d*$/.test(place.slice(colon + 1, authority));
  const last = place.lastIndexOf('@');
  return isPort || last < authority ? undefined : last;
}

/** Masks parameters of a query and a fragment. Some parsers also separate parameters by `;`. */
function maskedParameters(text: string): string {
  let inFragment = false;
  return text
    .split(/([?#&;])/)
    .map((part) => {
      inFragment ||= part === '#';
      const end = part.indexOf('=');
      // A fragment without `=` names a place in a page.
      if (end === -1 && inFragment) return part;
      const name = end === -1 ? part : part.slice(0, end);
      const known = decodeUrlPart(name);
      const isSecret = isSecretName(known) || MORE_SECRETS.has(known.toLowerCase());
      return isSecret ? `${name}=${VALUE_MASK}` : part;
    })
    .join('');
}
