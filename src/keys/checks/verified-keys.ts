import { createHmac, randomBytes } from 'node:crypto';
import { Slots } from '../../flow/index.js';
import { TooManyChecksError } from '../store/key-errors.js';
import type { KeyRecord } from '../store/key-record.js';
import { isSecretOf, mayBeSecretOf } from '../store/secret-hash.js';

/** Keys that are remembered: more than there may be. */
const MAX_REMEMBERED = 1_000;
/** Hashes that are computed at a time: two of the four threads that files and names need, too. */
const AT_A_TIME = 2;
/** Keys that wait for their check. */
const MAX_WAITING = 500;

/**
 * Checks secrets of keys. What was right once is remembered as a digest with a salt of this process, so that
 * a client pays scrypt with its first request only.
 */
export class VerifiedKeys {
  private readonly salt = randomBytes(32);
  /** The hashes that secrets were checked against, by digest of the secret, the last used ones at the end. */
  private readonly verified = new Map<string, string>();
  private readonly checks = new Map<string, Promise<boolean>>();
  private readonly slots = new Slots(AT_A_TIME);

  /**
   * Whether a secret is that of a key.
   * @param mayCheck asked before a check that takes work; false: the secret is refused
   * @throws TooManyChecksError
   */
  async isRight(secret: string, record: KeyRecord, mayCheck: () => boolean): Promise<boolean> {
    const digest = createHmac('sha256', this.salt).update(`${record.id} ${secret}`).digest('hex');
    if (this.verified.get(digest) === record.hash.hash) {
      this.remember(digest, record);
      return true;
    }
    if (!mayBeSecretOf(secret, record.hash) || !mayCheck()) return false;
    return this.checkOnce(digest, secret, record);
  }

  /** Requests that show the same key at the same time share one check. */
  private checkOnce(digest: string, secret: string, record: KeyRecord): Promise<boolean> {
    const running = this.checks.get(digest);
    if (running) return running;
    if (this.checks.size >= MAX_WAITING) throw new TooManyChecksError();
    const check = this.slots
      .run(() => isSecretOf(secret, record.hash))
      .then((isRight) => {
        if (isRight) this.remember(digest, record);
        return isRight;
      })
      .finally(() => this.checks.delete(digest));
    this.checks.set(digest, check);
    return check;
  }

  private remember(digest: string, { hash }: KeyRecord): void {
    this.verified.delete(digest);
    const [oldest] = this.verified.keys();
    if (oldest !== undefined && this.verified.size >= MAX_REMEMBERED) this.verified.delete(oldest);
    this.verified.set(digest, hash.hash);
  }
}
