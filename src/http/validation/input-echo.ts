import {
  isEnvironmentOrHeaders,
  isKeyHolder,
  isSecretGroup,
  isSecretName,
  maskUserinfo,
} from '../../crypto/index.js';
import { REDACTED } from './field-type.js';
import { type Location, MAX_PROBLEMS, type Problem } from './problem.js';

/** Most characters of input that one answer repeats. */
const ANSWER_BUDGET = 16 * 1024;
const TEXT_LIMIT = 2048;
/** Most characters of a text that are searched for credentials in an address. */
const ADDRESS_LIMIT = 4 * TEXT_LIMIT;

/** One entry of the `detail` of a 422. */
interface ProblemBody {
  type: string;
  loc: Location;
  msg: string;
  input: unknown;
  ctx?: Record<string, unknown>;
}

/** The `detail` of a 422: each problem with its input, truncated and without secrets. */
export function describeProblems(
  problems: readonly Problem[],
  sources: Readonly<Record<string, unknown>>,
): ProblemBody[] {
  const budget = { left: ANSWER_BUDGET };
  return problems.slice(0, MAX_PROBLEMS).map(({ type, msg, ctx, path = [] }) => {
    const inputPath = type === 'missing' ? path.slice(0, -1) : path;
    const found = inputAt(sources, type, inputPath);
    const input = isSecret(inputPath, found) ? REDACTED : found;
    return { type, loc: path, msg, input: truncate(input, budget), ...(ctx && { ctx }) };
  });
}

/**
 * Strings and objects are treated as secrets in fields with a secret name, and strings also below `secrets`
 * and in place of headers or environment variables. Numbers and nulls never are.
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

/** The input at a location. Names of union members in it are not keys of the input and are skipped. */
function inputAt(sources: Readonly<Record<string, unknown>>, type: string, path: Location): unknown {
  const [root = 'body', ...rest] = path;
  // The location of a JSON error is a position, not a key. A missing body or parameter has no parent.
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
 * A copy within the budget; `...` replaces the rest. Values under secret names, all values below `headers`
 * and the like, and credentials in addresses are redacted.
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

/** Truncation may split a surrogate pair. */
function dropLoneSurrogates(text: string): string {
  return text.replaceAll(/\p{Surrogate}/gu, '');
}
