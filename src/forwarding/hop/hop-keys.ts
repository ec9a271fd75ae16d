import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import type { AppConfig } from '../../config/index.js';

/** The settings that the keys are made from. */
type KeyConfig = Pick<AppConfig, 'cluster_key' | 'secret_key' | 'previous_secret_keys'>;

/** Separates the key from others that are made from the same secret. */
const PURPOSE = 'openhands-agent-server: requests between servers, version 1';

/** The keys with which servers of one cluster prove to each other who has sent a request. */
export class HopKeys {
  private constructor(
    private readonly current: Buffer,
    /** Accepted while the servers are restarted with a new key. */
    private readonly previous: readonly Buffer[],
  ) {}

  /** The keys of a configuration; undefined without `cluster_key` and `secret_key`. */
  static from({ cluster_key, secret_key, previous_secret_keys }: KeyConfig): HopKeys | undefined {
    const secret = cluster_key ?? secret_key;
    if (secret === null) return undefined;
    const former = cluster_key === null ? previous_secret_keys : [];
    return new HopKeys(derive(secret), former.map(derive));
  }

  /** Keys that nobody else has. */
  static random(): HopKeys {
    return new HopKeys(randomBytes(32), []);
  }

  sign(text: string): Buffer {
    return mac(this.current, text);
  }

  /** Compares in constant time. */
  verify(text: string, given: Buffer): boolean {
    const matches = [this.current, ...this.previous].map((key) => {
      const expected = mac(key, text);
      return expected.length === given.length && timingSafeEqual(expected, given);
    });
    return matches.includes(true);
  }
}

function derive(secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', PURPOSE, 32));
}

function mac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
