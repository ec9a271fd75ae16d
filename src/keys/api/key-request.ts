import { problemsOf, readDto } from '../../http/index.js';
import type { JsonObject } from '../../json/index.js';
import type { KeyChange, NewKey } from '../store/key-store.js';
import { CreateKeyRequestDto, type KeyLimitsDto, type UpdateKeyRequestDto } from './key.dto.js';

/** The key that a request asks for. */
export function newKey({ name, scope, reach, expires_at, limits }: CreateKeyRequestDto): NewKey {
  return { name, scope, reach, expires_at: inUtc(expires_at), limits: limitsOf(limits) };
}

/** The change that a request asks for. */
export function keyChange({ name, expires_at, limits }: UpdateKeyRequestDto): KeyChange {
  return {
    ...(name !== undefined && { name }),
    ...(expires_at !== undefined && { expires_at: inUtc(expires_at) }),
    ...(limits !== undefined && { limits: limitsOf(limits) }),
  };
}

/** Reads a key as `POST /api/keys` does, for the command line; else what is wrong with it. */
export function readNewKey(raw: JsonObject): NewKey | { problems: string[] } {
  const request = readDto(CreateKeyRequestDto, raw);
  const problems = problemsOf(request);
  if (problems.length === 0) return newKey(request);
  return { problems: problems.map(({ path, msg }) => `${(path ?? []).join('.')}: ${msg}`) };
}

function limitsOf(limits: KeyLimitsDto): JsonObject {
  const { requests_per_minute, sockets, concurrent_runs, conversations_per_day, usd_per_day, usd_per_month } =
    limits;
  const counts = { requests_per_minute, sockets, concurrent_runs, conversations_per_day };
  return { ...counts, usd_per_day, usd_per_month };
}

function inUtc(time: string | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}
