import { randomBytes } from 'node:crypto';
import type { AppConfig } from '../config/index.js';
import { ClusterKeys } from '../crypto/index.js';

/** What a token says. Who has it may read one conversation until then. */
export interface ShareClaims {
  /** Dashed UUID. */
  conversationId: string;
  /** 18 hexadecimal digits. */
  shareId: string;
  /** Seconds since the epoch. */
  expiresAt: number;
}

const PREFIX = 'ohs_';
const VERSION = 1;
const SHARE_ID_BYTES = 9;
/** Version, conversation, share, seconds. */
const CLAIM_BYTES = 1 + 16 + SHARE_ID_BYTES + 4;
const MAC_BYTES = 32;
const FORM = /^ohs_[A-Za-z0-9_-]{83}$/;

/** A new id of a share. */
export function newShareId(): string {
  return randomBytes(SHARE_ID_BYTES).toString('hex');
}

/** Signs and reads the tokens of share links, with a key that is derived from the server's secret key. */
export class ShareTokens {
  private readonly keys: ClusterKeys | undefined;

  constructor({ secret_key, previous_secret_keys }: Pick<AppConfig, 'secret_key' | 'previous_secret_keys'>) {
    this.keys = ClusterKeys.from({ cluster_key: null, secret_key, previous_secret_keys }, 'shares');
  }

  /** Whether there is a key to sign with. */
  get enabled(): boolean {
    return this.keys !== undefined;
  }

  /** @throws Error without a key */
  write(claims: ShareClaims): string {
    if (!this.keys) throw new Error('no secret key to sign with');
    const bytes = encode(claims);
    return `${PREFIX}${Buffer.concat([bytes, this.keys.sign(bytes)]).toString('base64url')}`;
  }

  /** The claims of a token; undefined if it is not one of this server, or has expired. */
  read(token: string, nowMs = Date.now()): ShareClaims | undefined {
    if (!FORM.test(token)) return undefined;
    const text = token.slice(PREFIX.length);
    const bytes = Buffer.from(text, 'base64url');
    // One token, one text: the last character may have bits that are not used.
    if (bytes.length !== CLAIM_BYTES + MAC_BYTES || bytes.toString('base64url') !== text) return undefined;
    const [claimed, given] = [bytes.subarray(0, CLAIM_BYTES), bytes.subarray(CLAIM_BYTES)];
    if (!this.keys?.verify(claimed, given)) return undefined;
    const claims = decode(claimed);
    return claims && claims.expiresAt * 1000 > nowMs ? claims : undefined;
  }
}

function encode({ conversationId, shareId, expiresAt }: ShareClaims): Buffer {
  const bytes = Buffer.alloc(CLAIM_BYTES);
  bytes.writeUInt8(VERSION, 0);
  bytes.write(conversationId.replaceAll('-', ''), 1, 'hex');
  bytes.write(shareId, 17, 'hex');
  bytes.writeUInt32BE(expiresAt, CLAIM_BYTES - 4);
  return bytes;
}

function decode(bytes: Buffer): ShareClaims | undefined {
  if (bytes.readUInt8(0) !== VERSION) return undefined;
  const hex = bytes.toString('hex', 1, 17);
  const conversationId = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ];
  return {
    conversationId: conversationId.join('-'),
    shareId: bytes.toString('hex', 17, 17 + SHARE_ID_BYTES),
    expiresAt: bytes.readUInt32BE(CLAIM_BYTES - 4),
  };
}
