import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';

/** A set of keys; a client must present one of them. */
export class KeySet {
  /** Digests have one length, so comparing them reveals nothing about a key, not even its length. */
  private readonly salt = randomBytes(32);
  private readonly digests: readonly Buffer[];

  constructor(keys: readonly string[]) {
    this.digests = keys.map((key) => this.digest(key));
  }

  /** False when the set is empty: no key is needed. */
  required(): boolean {
    return this.digests.length > 0;
  }

  /** Whether the key is in the set. Takes the same time for every key. */
  accepts(key: string): boolean {
    const digest = this.digest(key);
    return this.digests.map((known) => timingSafeEqual(known, digest)).includes(true);
  }

  private digest(key: string): Buffer {
    return createHmac('sha256', this.salt).update(key).digest();
  }
}

/** The session keys of the server, for REST and sockets. */
@Injectable()
export class SessionKeys extends KeySet {
  constructor(config: AppConfig) {
    super(config.session_api_keys);
  }
}
