import { randomBytes } from 'node:crypto';
import { HttpException } from '@nestjs/common';
import { asJsonObject, asText, tryParseJson } from '../../json/index.js';
import type { ExpiringRecords } from '../../storage/index.js';
import type { DeviceCode } from './openai-issuer.js';

const KIND = 'subscription-sign-in';
/** Lifetime of a started sign-in (ms), and the maximum number of them. */
const PENDING_MS = 15 * 60_000;
const MAX_PENDING = 20;

/** A sign-in that waits for its user. */
export interface PendingSignIn {
  /** Identifies it for clients. A secret. */
  deviceCode: string;
  code: DeviceCode;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  /** Time of the last poll of the issuer (ms since the epoch). */
  askedAt: number;
}

/** The sign-ins that wait for their users, for all servers of the storage. */
export class PendingSignIns {
  constructor(private readonly records: ExpiringRecords) {}

  /**
   * Starts a sign-in.
   * @param request requests a code from the issuer
   * @throws HttpException 429 if too many are pending; then nothing is requested
   */
  async start(request: () => Promise<DeviceCode>): Promise<PendingSignIn> {
    const deviceCode = randomBytes(32).toString('base64url');
    if (!(await this.records.add(KIND, deviceCode, '', PENDING_MS, MAX_PENDING)))
      throw new HttpException('Too many pending sign-ins', 429);
    try {
      const code = await request();
      const pending = { deviceCode, code, expiresAt: Date.now() + PENDING_MS, askedAt: 0 };
      await this.records.replace(KIND, deviceCode, toText(pending), PENDING_MS);
      return pending;
    } catch (error) {
      await this.records.remove(KIND, deviceCode);
      throw error;
    }
  }

  /**
   * Finds a sign-in and takes the turn to poll the issuer for it.
   * @returns undefined if there is none; without a turn if the issuer was polled a moment ago
   */
  async takeTurn(deviceCode: string): Promise<{ pending: PendingSignIn; hasTurn: boolean } | undefined> {
    const record = await this.records.read(KIND, deviceCode);
    const pending = record && fromText(deviceCode, record.content);
    if (!pending) return undefined;
    const now = Date.now();
    if (now < pending.askedAt + pending.code.intervalSeconds * 1_000) return { pending, hasTurn: false };
    const next = toText({ ...pending, askedAt: now });
    const ttlMs = Math.max(1, pending.expiresAt - now);
    // Of several servers one gets the turn.
    const hasTurn = await this.records.replace(KIND, deviceCode, next, ttlMs, record.version);
    return { pending, hasTurn };
  }

  /** @returns whether it was still pending */
  remove(deviceCode: string): Promise<boolean> {
    return this.records.remove(KIND, deviceCode);
  }

  removeAll(): Promise<void> {
    return this.records.removeAll(KIND);
  }
}

function toText({ code, expiresAt, askedAt }: PendingSignIn): string {
  return JSON.stringify({ code, expiresAt, askedAt });
}

/** Undefined also while the code is requested. */
function fromText(deviceCode: string, text: string): PendingSignIn | undefined {
  const { code, expiresAt, askedAt } = asJsonObject(tryParseJson(text));
  const { deviceAuthId, userCode, verificationUri, intervalSeconds } = asJsonObject(code);
  const texts = [asText(deviceAuthId), asText(userCode), asText(verificationUri)] as const;
  const [id, user, uri] = texts;
  if (id === null || user === null || uri === null) return undefined;
  return {
    deviceCode,
    code: {
      deviceAuthId: id,
      userCode: user,
      verificationUri: uri,
      intervalSeconds: Number(intervalSeconds),
    },
    expiresAt: Number(expiresAt),
    askedAt: Number(askedAt),
  };
}
