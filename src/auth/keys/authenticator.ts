import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { parseNamedKey } from '../../crypto/index.js';
import { type Principal, SESSION } from '../principals/principal.js';
import { FailedKeys } from './failed-keys.js';
import { SessionKeys } from './key-set.js';
import { NamedKeys } from './named-keys.js';

/** Who shows a right key. */
export interface Identified {
  principal: Principal;
  /** The key; undefined if another server of the cluster has verified it. */
  key: string | undefined;
}

/** The named keys that other servers of the cluster have verified for requests that they pass on. */
const vouched = new WeakMap<IncomingMessage, string>();

/** Sets the id of the named key that another server of the cluster has verified for a request. */
export function setVouchedKey(request: IncomingMessage, id: string): void {
  vouched.set(request, id);
}

/** Finds out who shows a key: the session key, or a named one. For requests and sockets alike. */
@Injectable()
export class Authenticator {
  constructor(
    private readonly config: AppConfig,
    private readonly sessionKeys: SessionKeys,
    private readonly namedKeys: NamedKeys,
    private readonly failedKeys: FailedKeys,
  ) {}

  /** False: everybody is the administrator, and keys are not looked at. */
  required(): boolean {
    return this.sessionKeys.required() || this.config.require_keys;
  }

  /**
   * Who shows one of these keys; undefined if all are wrong. Only named keys take a promise.
   * @throws an error of kind `unavailable` if named keys cannot be checked now
   */
  identify(
    shown: readonly string[],
    request: IncomingMessage,
  ): Identified | undefined | Promise<Identified | undefined> {
    const id = vouched.get(request);
    if (id !== undefined) return this.vouchedFor(id);
    const right = shown.find((key) => this.sessionKeys.accepts(key));
    if (right !== undefined) return { principal: SESSION, key: right };
    const named = shown.flatMap((key) => {
      const parsed = parseNamedKey(key);
      return parsed ? [{ key, id: parsed.id }] : [];
    });
    return named.length === 0 ? undefined : this.firstNamed(named, request);
  }

  /** Calls the listener once when the key of a principal is revoked or expires. Returns an end to this. */
  whenEnded(principal: Principal, listener: () => void): () => void {
    return principal === SESSION ? () => undefined : this.namedKeys.whenEnded(principal, listener);
  }

  private async vouchedFor(id: string): Promise<Identified | undefined> {
    const principal = await this.namedKeys.find(id);
    return principal && { principal, key: undefined };
  }

  private async firstNamed(
    keys: readonly { key: string; id: string }[],
    request: IncomingMessage,
  ): Promise<Identified | undefined> {
    for (const { key, id } of keys) {
      const principal = await this.namedKeys.verify(key, () => this.failedKeys.mayTry(request, id));
      if (principal) return { principal, key };
    }
    return undefined;
  }
}
