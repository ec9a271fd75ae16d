import { randomBytes } from 'node:crypto';
import { HttpException, Injectable, Logger } from '@nestjs/common';
import { FileSecrets, KnownSecrets } from '../../crypto/index.js';
import { errorMessage } from '../../errors/index.js';
import { Llm } from '../../llm/index.js';
import { NoSuchEntryError } from '../settings-errors.js';
import { Documents } from '../../storage/index.js';
import {
  redeemDeviceCode,
  renewTokens,
  requestDeviceCode,
  type DeviceCode,
  type SubscriptionTokens,
} from './openai-issuer.js';
import { TokenStore, VENDOR } from './subscription-tokens.js';

/** Lifetime of a started sign-in (ms), and the maximum number of them. */
const PENDING_MS = 15 * 60_000;
const MAX_PENDING = 20;
/** Tokens are renewed this long before they expire (ms). */
const RENEW_BEFORE_MS = 60_000;

/** The state of the sign-in. Field names are the wire's. */
export interface SubscriptionStatus {
  vendor: string;
  connected: boolean;
  account_email: string | null;
  /** Milliseconds since the epoch. */
  expires_at: number | null;
}

/** A started sign-in. Field names are the wire's. */
export interface DeviceStart {
  device_code: string;
  user_code: string;
  verification_uri: string;
  verification_uri_complete: string | null;
  /** Milliseconds since the epoch. */
  expires_at: number;
  interval_seconds: number;
}

interface Pending {
  code: DeviceCode;
  expiresAt: number;
  /** Time of the last poll (`performance.now()`). */
  askedAt: number;
  asking?: Promise<SubscriptionStatus>;
}

const SIGNED_OUT: SubscriptionStatus = {
  vendor: VENDOR,
  connected: false,
  account_email: null,
  expires_at: null,
};

/** Signs in with a ChatGPT subscription, by a device code that the user enters in a browser. */
@Injectable()
export class SubscriptionService {
  private readonly logger = new Logger('Subscription');
  private readonly pending = new Map<string, Pending>();
  private renewing: Promise<SubscriptionTokens | undefined> | undefined;

  private readonly tokens: TokenStore;

  constructor(
    private readonly documents: Documents,
    private readonly known: KnownSecrets,
    secrets: FileSecrets,
    models: Llm,
  ) {
    this.tokens = new TokenStore(documents, secrets, known);
    models.setTokenProvider(async () => (await this.currentOrUndefined())?.accessToken);
  }

  /** Never rejects: a sign-in that cannot be read or renewed counts as signed out. */
  async status(): Promise<SubscriptionStatus> {
    return toStatus(await this.currentOrUndefined());
  }

  private async currentOrUndefined(): Promise<SubscriptionTokens | undefined> {
    try {
      return await this.current();
    } catch (error) {
      this.logger.warn(`the stored sign-in cannot be used: ${errorMessage(error)}`);
      return undefined;
    }
  }

  /** @throws IssuerError; HttpException 429 if too many sign-ins are pending */
  async start(): Promise<DeviceStart> {
    this.removeExpired();
    if (this.pending.size >= MAX_PENDING) throw new HttpException('Too many pending sign-ins', 429);
    const code = await requestDeviceCode();
    const device_code = randomBytes(32).toString('base64url');
    const expiresAt = Date.now() + PENDING_MS;
    this.known.add([device_code, code.deviceAuthId]);
    this.pending.set(device_code, { code, expiresAt, askedAt: -Infinity });
    return {
      device_code,
      user_code: code.userCode,
      verification_uri: code.verificationUri,
      verification_uri_complete: null,
      expires_at: expiresAt,
      interval_seconds: code.intervalSeconds,
    };
  }

  /**
   * Checks whether the user has entered the code. The issuer is not polled more often than it allows.
   * @throws NoSuchEntryError, IssuerError
   */
  async poll(deviceCode: string): Promise<SubscriptionStatus> {
    this.removeExpired();
    const pending = this.pending.get(deviceCode);
    if (!pending) throw notPending();
    if (pending.asking) return pending.asking;
    if (performance.now() < pending.askedAt + pending.code.intervalSeconds * 1_000) return SIGNED_OUT;
    pending.askedAt = performance.now();
    pending.asking = this.redeem(deviceCode, pending).finally(() => (pending.asking = undefined));
    return pending.asking;
  }

  /** Removes the sign-in and all pending ones. */
  async logout(): Promise<SubscriptionStatus> {
    this.pending.clear();
    await this.documents.change((writer) => this.tokens.remove(writer));
    return SIGNED_OUT;
  }

  private async redeem(deviceCode: string, { code }: Pending): Promise<SubscriptionStatus> {
    const tokens = await redeemDeviceCode(code);
    if (!tokens) return SIGNED_OUT;
    await this.documents.change(async (writer) => {
      // The user has signed out in the meantime.
      if (!this.pending.delete(deviceCode)) throw notPending();
      await this.tokens.save(writer, tokens);
    });
    return toStatus(tokens);
  }

  private async current(): Promise<SubscriptionTokens | undefined> {
    const stored = await this.tokens.read();
    if (!stored || stored.expiresAt > Date.now() + RENEW_BEFORE_MS) return stored;
    this.renewing ??= this.renew(stored).finally(() => (this.renewing = undefined));
    return this.renewing;
  }

  private async renew(old: SubscriptionTokens): Promise<SubscriptionTokens | undefined> {
    const tokens = await renewTokens(old.refreshToken);
    return this.documents.change(async (writer) => {
      const stored = await this.tokens.read();
      // The user has signed out or in in the meantime.
      if (stored?.refreshToken !== old.refreshToken) return stored;
      await this.tokens.save(writer, tokens, stored.file);
      return tokens;
    });
  }

  private removeExpired(): void {
    for (const [code, { expiresAt }] of this.pending) if (expiresAt <= Date.now()) this.pending.delete(code);
  }
}

function toStatus(tokens: SubscriptionTokens | undefined): SubscriptionStatus {
  return tokens ? { ...SIGNED_OUT, connected: true, expires_at: tokens.expiresAt } : SIGNED_OUT;
}

function notPending(): NoSuchEntryError {
  return new NoSuchEntryError('Subscription device login not found or expired');
}
