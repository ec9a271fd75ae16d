import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import type { AppConfig } from '../config/index.js';

/** The settings that the keys are made from. */
type KeyConfig = Pick<AppConfig, 'cluster_key' | 'secret_key' | 'previous_secret_keys'>;

/** What is signed. Each purpose has a key of its own, made from the same secret. */
const PURPOSES = {
  requests: 'openhands-agent-server: requests between servers, version 1',
  addresses: 'openhands-agent-server: addresses of servers, version 1',
  shares: 'openhands-agent-server: share links, version 1',
} as const;

/** Keys with which the servers of one cluster prove to each other that something comes from one of them. */
export class ClusterKeys {
  private constructor(
    private readonly current: Buffer,
    /** Accepted while the servers are restarted with a new key. */
    private readonly previous: readonly Buffer[],
  ) {}

  /** The keys of a configuration; undefined without `cluster_key` and `secret_key`. */
  static from(
    { cluster_key, secret_key, previous_secret_keys }: KeyConfig,
    purpose: keyof typeof PURPOSES,
  ): ClusterKeys | undefined {
    const secret = cluster_key ?? secret_key;
    if (secret === null) return undefined;
    const former = cluster_key === null ? previous_secret_keys : [];
    const derive = (from: string): Buffer => Buffer.from(hkdfSync('sha256', from, '', PURPOSES[purpose], 32));
    return new ClusterKeys(derive(secret), former.map(derive));
  }

  /** Keys that nobody else has. */
  static random(): ClusterKeys {
    return new ClusterKeys(randomBytes(32), []);
  }

  sign(data: string | Buffer): Buffer {
    return mac(this.current, data);
  }

  /** With the previous keys, too: servers that do not know the current one yet can verify it. */
  signWithAll(text: string): Buffer[] {
    return [this.current, ...this.previous].map((key) => mac(key, text));
  }

  /** Compares in constant time. */
  verify(data: string | Buffer, given: Buffer): boolean {
    const matches = [this.current, ...this.previous].map((key) => {
      const expected = mac(key, data);
      return expected.length === given.length && timingSafeEqual(expected, given);
    });
    return matches.includes(true);
  }
}

function mac(key: Buffer, data: string | Buffer): Buffer {
  return createHmac('sha256', key).update(data).digest();
}
