import type { Principal } from '../principals/principal.js';

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
   * The principal of a key that nobody has shown, such as that of a run's conversation, as far as it is known
   * without waiting; undefined if there is no such key any more.
   */
  abstract known(id: string): Principal | undefined;

  /**
   * Whether a key is valid now that nobody has shown, such as the one that made a share link.
   * @throws an error of kind `unavailable` if the keys cannot be read
   */
  abstract isValid(id: string): Promise<boolean>;

  /**
   * Calls the listener once when the key of a principal is revoked, expires, or has other rights. Returns a
   * function that ends this.
   */
  abstract whenEnded(principal: Principal, listener: () => void): () => void;
}
