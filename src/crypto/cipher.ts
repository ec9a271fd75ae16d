import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

const VERSION = 0x80;
/** Version, seconds, initialisation vector. */
const HEADER_BYTES = 1 + 8 + 16;
const MAC_BYTES = 32;
const BLOCK_BYTES = 16;

/**
 * Encrypts stored texts as Fernet tokens (https://github.com/fernet/spec). A secret key is any text; its
 * SHA-256 provides 16 bytes for signing and 16 for encryption. Without a key it is disabled and decrypts
 * nothing.
 */
export class Cipher {
  /** The current key first, then previous ones, which only decrypt. */
  private readonly keys: readonly FernetKey[];

  constructor(secretKey: string | null, previousKeys: readonly string[] = []) {
    const current = secretKey === null ? [] : [secretKey];
    this.keys = [...current, ...previousKeys].map((key) => new FernetKey(key));
    this.enabled = secretKey !== null;
  }

  /** There is a current key. */
  readonly enabled: boolean;

  /**
   * Encrypts a text with the current key.
   * @throws Error without a key
   */
  encrypt(text: string): string {
    const key = this.keys[0];
    if (!this.enabled || key === undefined) throw new Error('no secret key to encrypt with');
    return key.seal(text);
  }

  /** Decrypts a token of any of the keys. Undefined if none decrypts it. */
  decrypt(token: string): string | undefined {
    const bytes = tokenBytes(token);
    if (bytes === undefined) return undefined;
    for (const key of this.keys) {
      const text = key.open(bytes);
      if (text !== undefined) return text;
    }
    return undefined;
  }
}

/** Whether a text has the form of a token, of any key. */
export function isToken(text: string): boolean {
  return tokenBytes(text) !== undefined;
}

class FernetKey {
  private readonly signing: Buffer;
  private readonly encryption: Buffer;

  constructor(secret: string) {
    const digest = createHash('sha256').update(secret, 'utf8').digest();
    this.signing = digest.subarray(0, 16);
    this.encryption = digest.subarray(16);
  }

  seal(text: string): string {
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt8(VERSION, 0);
    header.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 1000)), 1);
    const iv = randomBytes(16);
    iv.copy(header, 9);
    const cipher = createCipheriv('aes-128-cbc', this.encryption, iv);
    const signed = Buffer.concat([header, cipher.update(text, 'utf8'), cipher.final()]);
    return toBase64Url(Buffer.concat([signed, this.mac(signed)]));
  }

  open(bytes: Buffer): string | undefined {
    const signed = bytes.subarray(0, -MAC_BYTES);
    if (!timingSafeEqual(bytes.subarray(-MAC_BYTES), this.mac(signed))) return undefined;
    const decipher = createDecipheriv('aes-128-cbc', this.encryption, signed.subarray(9, HEADER_BYTES));
    return Buffer.concat([decipher.update(signed.subarray(HEADER_BYTES)), decipher.final()]).toString('utf8');
  }

  private mac(bytes: Buffer): Buffer {
    return createHmac('sha256', this.signing).update(bytes).digest();
  }
}

function tokenBytes(token: string): Buffer | undefined {
  if (!/^gAAAAA[\w-]+={0,2}$/.test(token)) return undefined;
  const bytes = Buffer.from(token, 'base64url');
  const encrypted = bytes.length - HEADER_BYTES - MAC_BYTES;
  return encrypted >= BLOCK_BYTES && encrypted % BLOCK_BYTES === 0 ? bytes : undefined;
}

/** With padding, unlike Node's `base64url`. */
function toBase64Url(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}
