import { Injectable, Logger } from '@nestjs/common';
import { FileSecrets, KnownSecrets } from '../../crypto/index.js';
import { errorMessage } from '../../errors/index.js';
import { Llm } from '../../llm/index.js';
import { NoSuchEntryError } from '../settings-errors.js';
import { Documents, ExpiringRecords } from '../../storage/index.js';
import { redeemDeviceCode, requestDeviceCode, type SubscriptionTokens } from './openai-issuer.js';
import { type PendingSignIn, PendingSignIns } from './pending-sign-ins.js';
import { TokenStore, VENDOR } from './subscription-tokens.js';
import { TokenRenewal } from './token-renewal.js';

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
  private readonly pending: PendingSignIns;
  private readonly renewal: TokenRenewal;
  private readonly tokens: TokenStore;
  /** Polls that run, by device code: requests for the same one share its answer. */
  private readonly polls = new Map<string, Promise<SubscriptionStatus>>();

  constructor(
    private readonly documents: Documents,
    private readonly known: KnownSecrets,
    secrets: FileSecrets,
    records: ExpiringRecords,
    models: Llm,
  ) {
    this.pending = new PendingSignIns(records);
    this.renewal = new TokenRenewal(records);
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
    const { deviceCode: device_code, code, expiresAt } = await this.pending.start(requestDeviceCode);
    this.known.add([device_code, code.deviceAuthId]);
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
    const running = this.polls.get(deviceCode);
    if (running) return running;
    const poll = this.pollOnce(deviceCode).finally(() => this.polls.delete(deviceCode));
    this.polls.set(deviceCode, poll);
    return poll;
  }

  /** Removes the sign-in and all pending ones. */
  async logout(): Promise<SubscriptionStatus> {
    await this.pending.removeAll();
    await this.documents.change((writer) => this.tokens.remove(writer));
    return SIGNED_OUT;
  }

  private async pollOnce(deviceCode: string): Promise<SubscriptionStatus> {
    const found = await this.pending.takeTurn(deviceCode);
    if (!found) throw notPending();
    this.known.add([deviceCode, found.pending.code.deviceAuthId]);
    return found.hasTurn ? this.redeem(found.pending) : SIGNED_OUT;
  }

  private async redeem({ deviceCode, code }: PendingSignIn): Promise<SubscriptionStatus> {
    const tokens = await redeemDeviceCode(code);
    if (!tokens) return SIGNED_OUT;
    await this.documents.change(async (writer) => {
      // The user has signed out in the meantime.
      if (!(await this.pending.remove(deviceCode))) throw notPending();
      await this.tokens.save(writer, tokens);
    });
    return toStatus(tokens);
  }

  private async current(): Promise<SubscriptionTokens | undefined> {
    const stored = await this.tokens.read();
    if (!stored || stored.expiresAt > Date.now() + RENEW_BEFORE_MS) return stored;
    return this.renewal.renew(stored, {
      read: () => this.tokens.read(),
      replace: (old, renewed) =>
        this.documents.change(async (writer) => {
          const now = await this.tokens.read();
          // The user has signed out or in in the meantime.
          if (now?.refreshToken !== old.refreshToken) return now;
          await this.tokens.save(writer, renewed, now.file);
          return renewed;
        }),
    });
  }
}

function toStatus(tokens: SubscriptionTokens | undefined): SubscriptionStatus {
  return tokens ? { ...SIGNED_OUT, connected: true, expires_at: tokens.expiresAt } : SIGNED_OUT;
}

function notPending(): NoSuchEntryError {
  return new NoSuchEntryError('Subscription device login not found or expired');
}
