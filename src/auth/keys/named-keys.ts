import type { Principal } from '../principals/principal.js';

/** `ohk_<id>_<secret>`: an id of 16 hexadecimal digits, and 256 bits in base64url. */
const FORM = /^ohk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;

/** The parts of a named key; undefined for any other text. */
export function parseNamedKey(text: string): { id: string; secret: string } | undefined {
  const [, id, secret] = FORM.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** The text of a named key, for its owner only. */
export function formatNamedKey(id: string, secret: string): string {
  return `ohk_${id}_${secret}`;
}

/** The keys that people make beside the session keys, each with a name, a scope and a reach. */
export abstract class NamedKeys {
  /**
   * The principal of a key; undefined for a wrong, revoked or expired one.
   * @param mayCheck asked before the check takes work; false: the key is refused without it
   * @throws an error of kind `unavailable` if the keys cannot be read, or too many are being checked
   */
  abstract verify(key: string, mayCheck: () => boolean): Promise<Principal | undefined>;

  /** The principal of a key that another server has verified; undefined if it was revoked or has expired. */
  abstract find(id: string): Promise<Principal | undefined>;

  /**
   * Calls the listener once when the key of a principal is revoked, expires, or has other rights. Returns a
   * function that ends this.
   */
  abstract whenEnded(principal: Principal, listener: () => void): () => void;
}
