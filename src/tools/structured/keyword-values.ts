import { isJsonObject } from '../../json/index.js';
import { pythonRepr } from '../../text/index.js';

const TYPES: readonly unknown[] = ['array', 'boolean', 'integer', 'null', 'number', 'object', 'string'];
/** The longest regular expression (characters). */
const MAX_PATTERN = 1_000;
/** The longest quotation of a wrong value (characters). */
const MAX_QUOTED = 100;

/** What is wrong with the value of a keyword; undefined if nothing is. */
type Check = (value: unknown) => string | undefined;

const number: Check = (value) => (typeof value === 'number' ? undefined : `${quoted(value)} is not a number`);

const count: Check = (value) =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0
    ? undefined
    : `${quoted(value)} is not a count`;

const texts: Check = (value) =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')
    ? undefined
    : `${quoted(value)} is not a list of names`;

/** Keywords that say something of a value, and what their own values must be. */
const CHECKS: Readonly<Record<string, Check>> = {
  type: (value) => {
    const names: unknown[] = Array.isArray(value) ? value : [value];
    const wrong = names.find((name) => !TYPES.includes(name));
    if (wrong !== undefined) return `${quoted(wrong)} is not a type`;
    return names.length === 0 ? 'there must be at least one type' : undefined;
  },
  enum: (value) => (Array.isArray(value) ? undefined : `${quoted(value)} is not a list of values`),
  const: () => undefined,
  required: texts,
  dependentRequired: (value) => {
    const lists = isJsonObject(value) ? Object.values(value) : [value];
    return lists.map(texts).find((problem) => problem !== undefined);
  },
  pattern: patternProblem,
  multipleOf: (value) =>
    typeof value === 'number' && value > 0 ? undefined : `${quoted(value)} is not a number above 0`,
  uniqueItems: (value) => (typeof value === 'boolean' ? undefined : `${quoted(value)} is not a boolean`),
  ...Object.fromEntries(
    ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'].map((name) => [name, number]),
  ),
  ...Object.fromEntries(
    ['Length', 'Items', 'Properties', 'Contains'].flatMap((what) => [
      [`min${what}`, count],
      [`max${what}`, count],
    ]),
  ),
};

/** Whether a keyword says something of a value by itself, without further schemas. */
export function isAssertion(keyword: string): boolean {
  return Object.hasOwn(CHECKS, keyword);
}

/** What is wrong with the value of an assertion; undefined if nothing is. */
export function assertionProblem(keyword: string, value: unknown): string | undefined {
  return CHECKS[keyword]?.(value);
}

/** Why a text cannot be used as a regular expression; undefined if it can. */
export function patternProblem(pattern: unknown): string | undefined {
  if (typeof pattern !== 'string') return `${quoted(pattern)} is not a regular expression`;
  if (pattern.length > MAX_PATTERN)
    return `a regular expression may have ${MAX_PATTERN} characters, not ${pattern.length}`;
  try {
    new RegExp(pattern, 'u');
    return undefined;
  } catch {
    return `${quoted(pattern)} is not a regular expression of JavaScript`;
  }
}

/** A value as Python writes it, at most 100 characters of it. */
export function quoted(value: unknown): string {
  const text = pythonRepr(value);
  return text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
}
