import { isSecretName } from './secret-name.js';

/** What stands in the place of a name and a password, as the original writes it. */
const USERINFO_MASK = '****';
const VALUE_MASK = '%3Credacted%3E';
/** Parameters that hold signatures or passwords and that no other list of secret names has. */
const MORE_SECRETS = new Set([
  'auth',
  'sig',
  'signature',
  'x-amz-signature',
  'x-goog-signature',
  'pwd',
  'pass',
]);
/** What may be an address in a text that is not ours; git also names hosts without their scheme. */
const WORD = /[^\s'"<>()]+/g;
const SCHEME = /^([a-z][a-z\d+.-]*):/i;

/**
 * The address of a repository as people may see it: `****` for a name and a password, `%3Credacted%3E` for
 * values of parameters with secret names. A name alone stays where it is no secret: `git@host:path`,
 * `ssh://git@host`.
 */
export function maskRemote(address: string): string {
  const end = address.search(/[?#]/);
  const place = end === -1 ? address : address.slice(0, end);
  return maskUser(place) + (end === -1 ? '' : maskParameters(address.slice(end)));
}

/** A text with the addresses in it masked (`maskRemote`). */
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

/** The `@` that ends a name and a password; a password may hold slashes, which nobody has escaped. */
function endOfUser(place: string, start: number): number | undefined {
  const slash = place.slice(start).search(/[/\\]/);
  const authority = slash === -1 ? place.length : start + slash;
  const at = place.lastIndexOf('@', authority);
  if (at >= start && at < authority) return at;
  // `user:pa/ss@host`: what stands behind the colon is no port.
  if (start === 0) return undefined;
  const colon = place.indexOf(':', start);
  const isPort = colon === -1 || colon > authority || /^\d*$/.test(place.slice(colon + 1, authority));
  const last = place.lastIndexOf('@');
  return isPort || last < authority ? undefined : last;
}

/** Of a query and a fragment; a `;` parts parameters, too, for some readers. */
function maskParameters(text: string): string {
  let inFragment = false;
  return text
    .split(/([?#&;])/)
    .map((part) => {
      inFragment ||= part === '#';
      const end = part.indexOf('=');
      // A word of a fragment alone names a place in a page.
      if (end === -1 && inFragment) return part;
      const name = end === -1 ? part : part.slice(0, end);
      const known = unescaped(name);
      const isSecret = isSecretName(known) || MORE_SECRETS.has(known.toLowerCase());
      return isSecret ? `${name}=${VALUE_MASK}` : part;
    })
    .join('');
}

function unescaped(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
