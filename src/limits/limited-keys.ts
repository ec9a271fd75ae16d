import type { Principal } from '../auth/index.js';

/** The keys that limits are looked up for when nobody has sent one: a run goes on without its client. */
export abstract class LimitedKeys {
  /** The key of an id, as far as it is known here without waiting. */
  abstract find(keyId: string): Pick<Principal, 'id' | 'limits'> | undefined;
}
