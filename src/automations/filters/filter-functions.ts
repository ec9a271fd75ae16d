import {
  registerFunction,
  TYPE_ANY,
  TYPE_ARRAY,
  TYPE_ARRAY_STRING,
  TYPE_STRING,
} from '@jmespath-community/jmespath';
import { TextSearch } from '../../text/index.js';
import { wildcardMatcher } from './wildcards.js';

/**
 * The functions beyond those of JMESPath, as the web UI is told them. All take (text, pattern), or one text.
 */
export const FILTER_FUNCTIONS = [
  'glob',
  'icontains',
  'regex',
  'lower',
  'upper',
  'starts_with',
  'ends_with',
] as const;

/**
 * The functions of the standard (https://jmespath.org/specification.html). The library has more, some of
 * which make texts of any length, and other programs that read the same filters do not know them.
 */
const STANDARD_FUNCTIONS =
  'abs avg ceil contains ends_with floor join keys length map max max_by merge min min_by not_null reverse ' +
  'sort sort_by starts_with sum to_array to_number to_string type values';

/** All functions that a filter may call. */
export const ALLOWED_FUNCTIONS: ReadonlySet<string> = new Set([
  ...STANDARD_FUNCTIONS.split(' '),
  ...FILTER_FUNCTIONS,
]);

/** The longest regular expression (characters). */
const MAX_REGEX = 1_000;
/** The most characters that a function makes of others, and the most values that it reads for them. */
const MAX_MADE = 4 * 1024 * 1024;
const MAX_VALUES = 100_000;

/**
 * A regular expression as filters write it: one of this engine, which may begin with flags as in Python
 * (`(?i)`). It matches anywhere in a text.
 * @throws SyntaxError if it is none, or longer than 1,000 characters
 */
export function filterRegex(pattern: string): RegExp {
  if (pattern.length > MAX_REGEX) throw new SyntaxError(`more than ${MAX_REGEX} characters`);
  const [whole, flags = ''] = /^\(\?([ims]{1,3})\)/.exec(pattern) ?? [''];
  return new RegExp(pattern.slice(whole.length), [...new Set(flags)].join(''));
}

/** The arguments of a function of texts. The library has checked that they are texts. */
function textsOf(given: readonly unknown[]): string[] {
  return given.filter((argument) => typeof argument === 'string');
}

/** Adds a function of two texts. */
function registerTest(name: string, test: (subject: string, part: string) => boolean): void {
  const text = { types: [TYPE_STRING] };
  registerFunction(
    name,
    (given) => {
      const [subject = '', part = ''] = textsOf(given);
      return test(subject, part);
    },
    [text, text],
  );
}

registerTest('glob', (subject, pattern) => wildcardMatcher(pattern)(subject));
registerTest('regex', matchesRegex);
registerTest('icontains', (subject, part) => includes(subject.toLowerCase(), part.toLowerCase()));

// Those of the library call code of the engine that neither a time limit ends nor a length bounds.
const replace = { override: true };
registerFunction(
  'contains',
  ([subject, part]) => {
    if (Array.isArray(subject)) return subject.some((item) => item === part);
    return typeof subject === 'string' && typeof part === 'string' && includes(subject, part);
  },
  [{ types: [TYPE_STRING, TYPE_ARRAY] }, { types: [TYPE_ANY] }],
  replace,
);
registerFunction(
  'join',
  ([separator, parts]) => {
    const glue = typeof separator === 'string' ? separator : '';
    const texts = Array.isArray(parts) ? textsOf(parts) : [];
    const length = texts.reduce((sum, part) => sum + part.length + glue.length, 0);
    if (length > MAX_MADE) throw new RangeError(`join() makes more than ${MAX_MADE} characters`);
    return texts.join(glue);
  },
  [{ types: [TYPE_STRING] }, { types: [TYPE_ARRAY_STRING] }],
  replace,
);
registerFunction(
  'to_string',
  ([value]) => {
    if (typeof value === 'string') return value;
    checkSize(value);
    return JSON.stringify(value);
  },
  [{ types: [TYPE_ANY] }],
  replace,
);

/** An invalid expression matches nothing, because it may come from the payload. */
function matchesRegex(subject: string, pattern: string): boolean {
  try {
    return filterRegex(pattern).test(subject);
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

function includes(subject: string, part: string): boolean {
  return new TextSearch(part).indexIn(subject) >= 0;
}

/** A value that holds itself many times over, as `[@,@]` makes them, is small and its text is not. */
function checkSize(value: unknown): void {
  let values = 0;
  let characters = 0;
  const open: unknown[] = [value];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    values += 1;
    if (typeof next === 'string') characters += next.length;
    if (typeof next === 'object' && next !== null) {
      const keys = Array.isArray(next) ? [] : Object.keys(next);
      for (const key of keys) characters += key.length;
      for (const child of Object.values(next)) open.push(child);
    }
    if (values > MAX_VALUES || characters > MAX_MADE)
      throw new RangeError('to_string() makes too long a text');
  }
}
