import { isSecretGroup, isSecretName, redact } from '../crypto/redact.js';
import type { Location, Problem } from './problem.js';

/** Characters of input that one answer may repeat; enough to recognise it, too few to fill a log. */
const ANSWER_BUDGET = 16 * 1024;
const TEXT_LIMIT = 2048;
/** More problems than this are not listed. */
const MAX_PROBLEMS = 100;

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
  return problems.slice(0, MAX_PROBLEMS).map(({ type, msg, ctx, at = [] }) => {
    const path = type === 'missing' ? at.slice(0, -1) : at;
    const found = inputAt(sources, type, path);
    const input = isSecret(path, found) ? '<redacted>' : redact(found);
    return { type, loc: at, msg, input: bounded(input, budget), ...(ctx && { ctx }) };
  });
}

/**
 * Below `secrets`, or in a field with a secret name, even a plain text is one, and so it is where headers or variables
 * are expected; numbers and nulls are not.
 */
function isSecret(path: Location, input: unknown): boolean {
  const isText = typeof input === 'string';
  if (!isText && (typeof input !== 'object' || input === null)) return false;
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

/** A copy that spends at most the budget; what no longer fits is left out and said so. */
function bounded(value: unknown, budget: { left: number }): unknown {
  if (budget.left <= 0) return '...';
  if (typeof value === 'string') {
    const room = Math.min(TEXT_LIMIT, budget.left);
    budget.left -= Math.min(value.length, room);
    return value.length <= room
      ? value
      : `${withoutHalves(value.slice(0, room))}... (${value.length} characters)`;
  }
  budget.left -= 8;
  if (Array.isArray(value)) {
    const kept: unknown[] = [];
    for (const item of value) {
      if (budget.left <= 0) return [...kept, '...'];
      kept.push(bounded(item, budget));
    }
    return kept;
  }
  if (typeof value !== 'object' || value === null) return value;
  const kept: [string, unknown][] = [];
  for (const [key, item] of Object.entries(value)) {
    if (budget.left <= 0) return Object.fromEntries([...kept, ['...', '...']]);
    budget.left -= key.length;
    kept.push([key.slice(0, TEXT_LIMIT), bounded(item, budget)]);
  }
  return Object.fromEntries(kept);
}

/** A cut may split a character in two; half of one is no text. */
function withoutHalves(text: string): string {
  return text.replaceAll(/\p{Surrogate}/gu, '');
}
