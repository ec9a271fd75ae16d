import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Keys of which a client has to show one. */
export class KeySet {
  /** Digests have one length, so comparing them tells nothing of a key, not even how long it is. */
  private readonly salt = randomBytes(32);
  private readonly digests: readonly Buffer[];

  constructor(keys: readonly string[]) {
    this.digests = keys.map((key) => this.digest(key));
  }

  /** False when there is no key: everything is open. */
  required(): boolean {
    return this.digests.length > 0;
  }

  /** Whether this is one of the keys. Takes the same time whichever it is. */
  accepts(key: string): boolean {
    const digest = this.digest(key);
    return this.digests.map((known) => timingSafeEqual(known, digest)).includes(true);
  }

  private digest(key: string): Buffer {
    return createHmac('sha256', this.salt).update(key).digest();
  }
}
