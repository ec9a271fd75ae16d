import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/**
 * How senders prove that a delivery is theirs. The first three are those of the automation service of
 * OpenHands; the others are GitHub's and GitLab's own.
 */
export const SIGNATURE_SCHEMES = [
  'hmac_sha256_hex',
  'standard_webhooks',
  'slack_v0',
  'github',
  'gitlab',
] as const;
export type SignatureScheme = (typeof SIGNATURE_SCHEMES)[number];

/** What a sender has sent. */
export interface Delivery {
  /** The bytes of the body as they came. */
  body: Buffer;
  /** A header; undefined if there is none. */
  header: (name: string) => string | undefined;
}

/** How a delivery is checked. */
export interface SignatureRule {
  scheme: SignatureScheme;
  secret: string;
  /** The header of `hmac_sha256_hex`; the other schemes have headers of their own. */
  header: string;
}

/** A delivery may be this much older or newer than now, where its time is signed (s). */
const TOLERANCE_SECONDS = 300;
/** Most signatures of one delivery; senders give several while they change secrets. */
const MAX_SIGNATURES = 10;

/** Why a delivery is refused, for its sender: nothing in it helps to guess a secret. */
export type Refusal = string;

/** Why a delivery cannot have a valid signature, from its headers alone; undefined if it may have one. */
export function missingSignature(rule: SignatureRule, header: Delivery['header']): Refusal | undefined {
  const isMissing = (name: string) => (header(name) ?? '') === '';
  const missing = requiredHeaders(rule, header).filter(isMissing);
  return missing.length > 0 ? `The header ${missing.join(', ')} is missing.` : undefined;
}

/**
 * Checks the signature of a delivery. Secrets and signatures are compared in constant time.
 * @param now ms since the epoch
 * @returns why it is refused; undefined if the signature is valid
 */
export function checkSignature(rule: SignatureRule, delivery: Delivery, now: number): Refusal | undefined {
  const { secret } = rule;
  const { body, header } = delivery;
  const missing = missingSignature(rule, header);
  if (missing !== undefined) return missing;
  switch (rule.scheme) {
    case 'hmac_sha256_hex':
      return verdict(isHexOf(header(rule.header), hmac(secret, body)));
    case 'github':
      return verdict(isHexOf(header('x-hub-signature-256'), hmac(secret, body)));
    case 'slack_v0':
      return checkSlack(secret, delivery, now);
    case 'standard_webhooks':
      return checkStandard(secret, delivery, now);
    case 'gitlab':
      if (header('webhook-signature') !== undefined) return checkStandard(secret, delivery, now);
      return verdict(isSame(digest(header('x-gitlab-token') ?? ''), digest(secret)));
  }
}

/** The headers that a delivery needs. */
function requiredHeaders({ scheme, header: own }: SignatureRule, header: Delivery['header']): string[] {
  const standard = ['webhook-id', 'webhook-timestamp', 'webhook-signature'];
  switch (scheme) {
    case 'hmac_sha256_hex':
      return [own];
    case 'github':
      return ['x-hub-signature-256'];
    case 'slack_v0':
      return ['x-slack-request-timestamp', 'x-slack-signature'];
    case 'standard_webhooks':
      return standard;
    case 'gitlab':
      return header('webhook-signature') === undefined ? ['x-gitlab-token'] : standard;
  }
}

/** https://docs.slack.dev/authentication/verifying-requests-from-slack */
function checkSlack(secret: string, { body, header }: Delivery, now: number): Refusal | undefined {
  const timestamp = header('x-slack-request-timestamp') ?? '';
  const late = lateness(timestamp, now);
  if (late !== undefined) return late;
  const expected = hmac(secret, Buffer.from(`v0:${timestamp}:`), body);
  const signature = header('x-slack-signature') ?? '';
  return verdict(signature.startsWith('v0=') && isHexOf(signature.slice('v0='.length), expected));
}

/** https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
function checkStandard(secret: string, { body, header }: Delivery, now: number): Refusal | undefined {
  const timestamp = header('webhook-timestamp') ?? '';
  const late = lateness(timestamp, now);
  if (late !== undefined) return late;
  const signed = Buffer.from(`${header('webhook-id') ?? ''}.${timestamp}.`);
  const expected = hmac(standardKey(secret), signed, body);
  const signatures = (header('webhook-signature') ?? '').split(' ', MAX_SIGNATURES);
  const ofVersion = signatures.filter((each) => each.startsWith('v1,'));
  return verdict(ofVersion.some((each) => isSame(Buffer.from(each.slice('v1,'.length), 'base64'), expected)));
}

/** The key of a secret: behind its prefix it is written in base64, any other is its own text. */
function standardKey(secret: string): Buffer | string {
  const prefix = 'whsec_';
  return secret.startsWith(prefix) ? Buffer.from(secret.slice(prefix.length), 'base64') : secret;
}

function lateness(timestamp: string, now: number): Refusal | undefined {
  if (!/^\d{1,12}$/.test(timestamp)) return 'The time of the delivery is no number of seconds.';
  const isLate = Math.abs(now / 1000 - Number(timestamp)) > TOLERANCE_SECONDS;
  return isLate ? `The time of the delivery is more than ${TOLERANCE_SECONDS} seconds from now.` : undefined;
}

function verdict(isValid: boolean): Refusal | undefined {
  return isValid ? undefined : 'The signature does not match.';
}

/** Whether a text, which may begin with `sha256=`, is the hexadecimal form of a digest. */
function isHexOf(signature: string | undefined, expected: Buffer): boolean {
  const hex = /^(?:sha256=)?([0-9a-f]{64})$/i.exec(signature ?? '')?.[1];
  return hex !== undefined && isSame(Buffer.from(hex, 'hex'), expected);
}

function isSame(given: Buffer, expected: Buffer): boolean {
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function hmac(key: Buffer | string, ...parts: readonly Buffer[]): Buffer {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

/** Texts of any length are compared by their digests, which have one length. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
