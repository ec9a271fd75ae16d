import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { asJsonObject } from '../../json/index.js';

/** Some 40 ms and 16 MiB. The secrets are random, so that guessing them is hopeless at any cost. */
const COST = { N: 16_384, r: 8, p: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const HEX = /^[0-9a-f]+$/;

/** The scrypt hash of a secret, with what sorts out nearly all other secrets before it. */
export interface SecretHash {
  readonly N: number;
  readonly r: number;
  readonly p: number;
  /** In hexadecimal digits, like the other texts. */
  readonly salt: string;
  readonly hash: string;
  /**
   * 16 bits of another hash. A flood of wrong secrets pays scrypt for one in 65,536. Whoever reads it learns
   * 16 of the 256 bits of the secret.
   */
  readonly check: string;
}

/** Hashes a new secret. */
export async function hashSecret(secret: string): Promise<SecretHash> {
  const salt = randomBytes(SALT_BYTES).toString('hex');
  const hash = (await derive(secret, { ...COST, salt })).toString('hex');
  return { ...COST, salt, hash, check: checkOf(secret, salt) };
}

/** Whether a secret is worth the time of `isSecretOf`. */
export function mayBeSecretOf(secret: string, { salt, check }: SecretHash): boolean {
  return isSame(Buffer.from(checkOf(secret, salt)), Buffer.from(check));
}

/** Whether a hash is that of the secret. */
export async function isSecretOf(secret: string, stored: SecretHash): Promise<boolean> {
  return isSame(await derive(secret, stored), Buffer.from(stored.hash, 'hex'));
}

/** A stored hash; undefined if it is none that this server makes. */
export function readHash(stored: unknown): SecretHash | undefined {
  const { N, r, p, salt, hash, check } = asJsonObject(stored);
  if (N !== COST.N || r !== COST.r || p !== COST.p) return undefined;
  if (!isHex(salt, SALT_BYTES) || !isHex(hash, HASH_BYTES) || !isHex(check, 2)) return undefined;
  return { ...COST, salt, hash, check };
}

function checkOf(secret: string, salt: string): string {
  return createHash('sha256').update(`${salt} ${secret}`).digest('hex').slice(0, 4);
}

function derive(
  secret: string,
  { N, r, p, salt }: Pick<SecretHash, 'N' | 'r' | 'p' | 'salt'>,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(secret, Buffer.from(salt, 'hex'), HASH_BYTES, { N, r, p }, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}

function isSame(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

function isHex(value: unknown, bytes: number): value is string {
  return typeof value === 'string' && value.length === bytes * 2 && HEX.test(value);
}
