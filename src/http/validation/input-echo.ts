import { isEnvironmentOrHeaders, isKeyHolder, isSecretGroup, isSecretName } from '../../crypto/redact.js';
import { maskUserinfo } from '../../crypto/userinfo.js';
import { REDACTED } from './field-type.js';
import { type Location, MAX_PROBLEMS, type Problem } from './problem.js';

/** Characters of input that one answer may repeat; enough to recognise it, too few to fill a log. */
const ANSWER_BUDGET = 16 * 1024;
const TEXT_LIMIT = 2048;
/** So much of a text is looked at for a password in an address; more than an address has. */
const ADDRESS_LIMIT = 4 * TEXT_LIMIT;

/** One entry of the `detail` of a 422. */
export interface ProblemBody {
  type: string;
  loc: Location;
  msg: string;
  input: unknown;
  ctx?: Record<string, unknown>;
}

/** The `detail` of a 422: each problem with the input it is about, without secrets and of bounded size. */
export function describeProblems(
  problems: readonly Problem[],
  sources: Readonly<Record<string, unknown>>,
): ProblemBody[] {
  const budget = { left: ANSWER_BUDGET };
  return problems.slice(0, MAX_PROBLEMS).map(({ type, msg, ctx, path: at = [] }) => {
    const path = type === 'missing' ? at.slice(0, -1) : at;
    const found = inputAt(sources, type, path);
    const input = isSecret(path, found) ? REDACTED : found;
    return { type, loc: at, msg, input: truncate(input, budget), ...(ctx && { ctx }) };
  });
}

/**
 * Below `secrets`, or in a field with a secret name, even a plain text is one, and so it is where headers or
 * variables are expected; numbers and nulls are not.
 */
function isSecret(path: Location, input: unknown): boolean {
  const isText = typeof input === 'string';
  if (!isText && (typeof input !== 'object' || input === null)) return false;
  if (isText && isKeyHolder(String(path.at(-1)))) return true;
  return path
    .slice(1)
    .some(
      (segment) =>
        typeof segment === 'string' && (isSecretName(segment) || (isText && isSecretGroup(segment))),
    );
}

/** Follows a location; names of union members in it are no keys of the input and are passed over. */
function inputAt(sources: Readonly<Record<string, unknown>>, type: string, path: Location): unknown {
  const [root = 'body', ...rest] = path;
  // The position in a text that is not JSON is no key, and a whole missing body or parameter has no parent.
  if (type === 'json_invalid') return {};
  if (rest.length === 0)
    return path.length === 0 || (type === 'missing' && root !== 'body') ? null : (sources[root] ?? null);
  let value: unknown = sources[root];
  for (const key of rest) {
    if (typeof value !== 'object' || value === null) continue;
    if (Object.hasOwn(value, key)) value = Reflect.get(value, key);
  }
  return value ?? null;
}

/**
 * A copy that spends at most the budget; what no longer fits is left out and said so. Values under secret
 * names, and all below `headers` and the like, are hidden, and so are names and passwords in addresses.
 */
function truncate(value: unknown, budget: { left: number }, isBelowGroup = false): unknown {
  if (budget.left <= 0) return '...';
  budget.left -= 8;
  if (Array.isArray(value)) {
    const kept: unknown[] = [];
    for (const item of value) {
      if (budget.left <= 0) return [...kept, '...'];
      kept.push(truncate(item, budget, isBelowGroup));
    }
    return kept;
  }
  if (typeof value === 'object' && value !== null) return truncateObject(value, budget, isBelowGroup);
  if (isBelowGroup) return REDACTED;
  return typeof value === 'string' ? truncateText(value, budget) : value;
}

function truncateObject(value: object, budget: { left: number }, isBelowGroup: boolean): unknown {
  const kept: [string, unknown][] = [];
  for (const [key, item] of Object.entries(value)) {
    if (budget.left <= 0) return Object.fromEntries([...kept, ['...', '...']]);
    budget.left -= Math.min(key.length, TEXT_LIMIT);
    const isText = typeof item === 'string';
    const isHidden =
      !isBelowGroup && (isSecretName(key) || (isText && (isSecretGroup(key) || isKeyHolder(key))));
    const shown = isHidden ? REDACTED : truncate(item, budget, isBelowGroup || isEnvironmentOrHeaders(key));
    kept.push([key.slice(0, TEXT_LIMIT), shown]);
  }
  return Object.fromEntries(kept);
}

function truncateText(text: string, budget: { left: number }): string {
  const masked = maskUserinfo(text.slice(0, ADDRESS_LIMIT));
  const room = Math.max(0, Math.min(TEXT_LIMIT, budget.left));
  budget.left -= Math.min(masked.length, room);
  if (text.length <= ADDRESS_LIMIT && masked.length <= room) return masked;
  return `${dropLoneSurrogates(masked.slice(0, room))}... (${text.length} characters)`;
}

/** A cut may split a character in two; half of one is no text. */
function dropLoneSurrogates(text: string): string {
  return text.replaceAll(/\p{Surrogate}/gu, '');
}
