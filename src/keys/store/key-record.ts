import { type KeyReach, type KeyScope, type Principal, REACHES, SCOPES } from '../../auth/index.js';
import { asJsonObject, isJsonObject, type JsonObject } from '../../json/index.js';
import { readHash, type SecretHash } from './secret-hash.js';

/** A named key as it is stored: everything but its secret. */
export interface KeyRecord {
  readonly id: string;
  /** Unique, for people. */
  readonly name: string;
  readonly scope: KeyScope;
  readonly reach: KeyReach;
  /** UTC, ISO 8601, like all times here. */
  readonly created_at: string;
  /** Null: never. */
  readonly expires_at: string | null;
  /** When it was used last, to about ten minutes; null: never. */
  readonly last_used_at: string | null;
  readonly limits: JsonObject;
  readonly hash: SecretHash;
}

/** Reads a stored key; undefined if anything in it is not as it should be. */
export function readKeyRecord(id: string, stored: unknown): KeyRecord | undefined {
  const { name, scope, reach, created_at, expires_at, last_used_at, limits, hash } = asJsonObject(stored);
  const known = SCOPES.find((each) => each === scope);
  const extent = REACHES.find((each) => each === reach);
  const secret = readHash(hash);
  if (typeof name !== 'string' || !isTime(created_at) || !known || !extent || !secret) return undefined;
  if (!isTimeOrNull(expires_at) || !isTimeOrNull(last_used_at) || !isJsonObject(limits)) return undefined;
  return {
    ...{ id, name, scope: known, reach: extent, created_at, expires_at, last_used_at },
    ...{ limits, hash: secret },
  };
}

/** Whether the time of a key is over. */
export function isExpired({ expires_at }: KeyRecord, now = Date.now()): boolean {
  return expires_at !== null && Date.parse(expires_at) <= now;
}

/** Whoever shows a key. */
export function principalFor({ id, name, scope, reach, limits }: KeyRecord): Principal {
  return Object.freeze({ id, name, scope, reach, limits });
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}

function isTimeOrNull(value: unknown): value is string | null {
  return value === null || isTime(value);
}
