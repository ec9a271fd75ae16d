import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExpiringRecords } from '../../storage/index.js';
import { renewTokens, type SubscriptionTokens } from './openai-issuer.js';

const KIND = 'subscription-renewal';
/** A server that dies while it renews blocks the others for this time (ms): longer than a request takes. */
const CLAIM_MS = 30_000;
const PAUSE_MS = 200;

/** How the stored tokens are read and replaced. */
interface TokenAccess<T extends SubscriptionTokens> {
  read(): Promise<T | undefined>;
  /** Stores renewed tokens unless others are stored by now. @returns those that are stored */
  replace(old: T, renewed: SubscriptionTokens): Promise<SubscriptionTokens | undefined>;
}

/** Renews tokens on one server at a time: a refresh token is valid once. */
export class TokenRenewal {
  private current: Promise<SubscriptionTokens | undefined> | undefined;

  constructor(private readonly records: ExpiringRecords) {}

  /** Renews tokens, or waits until that is done elsewhere. @throws IssuerError */
  renew<T extends SubscriptionTokens>(
    old: T,
    tokens: TokenAccess<T>,
  ): Promise<SubscriptionTokens | undefined> {
    this.current ??= this.renewOnce(old, tokens).finally(() => (this.current = undefined));
    return this.current;
  }

  private async renewOnce<T extends SubscriptionTokens>(
    old: T,
    tokens: TokenAccess<T>,
  ): Promise<SubscriptionTokens | undefined> {
    const id = createHash('sha256').update(old.refreshToken).digest('base64url');
    while (!(await this.records.add(KIND, id, '', CLAIM_MS))) await sleep(PAUSE_MS);
    try {
      const stored = await tokens.read();
      // Another server was first, or the user has signed out or in.
      if (stored?.refreshToken !== old.refreshToken) return stored;
      return await tokens.replace(old, await renewTokens(old.refreshToken));
    } finally {
      await this.records.remove(KIND, id);
    }
  }
}
