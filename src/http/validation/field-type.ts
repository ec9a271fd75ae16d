import { isJsonObject } from '../../json/index.js';
import { parseInstant } from './instant.js';
import { outOfRange, type Range, rangeSchema } from './number-range.js';
import { type Problem, problemsOfEach, valueError } from './problem.js';
import { parseUuid } from './uuid.js';

/** A JSON schema in the dialect of OpenAPI 3.1. */
export type JsonSchema = Record<string, unknown>;

/** The type of a field: how it is parsed from JSON, validated and documented. */
export interface FieldType {
  /** The parsed value. A value that cannot be parsed is returned unchanged, for `problems` to report. */
  read(raw: unknown): unknown;
  problems(value: unknown): Problem[];
  schema(): JsonSchema;
  /**
   * Whether the value is or contains a secret. A string in its place may then be one, too. Called late: types
   * refer to each other.
   */
  holdsSecrets?(): boolean;
  /** The part of the input that an error answer may repeat; all of it by default. */
  shown?(raw: unknown): unknown;
  /** Contains DTOs, which are validated as well. */
  nested?: boolean;
  /** In a query: all values of a repeated parameter count, not only the last one. */
  repeated?: boolean;
}

const unchanged = (raw: unknown): unknown => raw;

/** Replaces secrets in error answers that repeat input. */
export const REDACTED = '<redacted>';

/** The input for a secret, as an error answer may repeat it: only null and undefined are shown. */
export function redacted(raw: unknown): unknown {
  return raw === null || raw === undefined ? raw : REDACTED;
}

interface TextOptions {
  /** Characters, not bytes. */
  min?: number;
  max?: number;
  pattern?: RegExp;
  /** A further check; returns the text of a `value_error`. */
  check?: (value: string) => string | undefined;
  /** Documented as a password, but not as write-only: answers contain the field, null or masked. */
  secret?: boolean;
}

/** A string. */
export function text(options: TextOptions = {}): FieldType {
  const { min, max, pattern, check } = options;
  return {
    ...(options.secret && { holdsSecrets: () => true, shown: redacted }),
    read: unchanged,
    problems: (value) => {
      if (typeof value !== 'string') return [{ type: 'string_type', msg: 'Input should be a valid string' }];
      // There are never more characters than UTF-16 units, so they are counted only near the limit.
      if (min !== undefined && value.length < min) return [tooShort(min)];
      if (
        max !== undefined &&
        value.length > max &&
        (value.length > 2 * max || Array.from(value).length > max)
      ) {
        return [tooLong(max)];
      }
      if (pattern && !pattern.test(value)) {
        const { source } = pattern;
        return [
          {
            type: 'string_pattern_mismatch',
            msg: `String should match pattern '${source}'`,
            ctx: { pattern: source },
          },
        ];
      }
      const complaint = check?.(value);
      return complaint === undefined ? [] : [valueError(complaint)];
    },
    schema: () => ({
      type: 'string',
      ...(min !== undefined && { minLength: min }),
      ...(max !== undefined && { maxLength: max }),
      ...(pattern && { pattern: pattern.source }),
      ...(options.secret && { format: 'password' }),
    }),
  };
}

/** Most characters of an address, a name and the like. */
const MAX_SHORT = 16 * 1024;

/**
 * A string with a maximum length, for addresses and names. Not in the API document: the original has no
 * limit.
 */
export function shortText({ min }: Pick<TextOptions, 'min'> = {}): FieldType {
  const check = (value: string): string | undefined =>
    value.length > MAX_SHORT ? `at most ${MAX_SHORT} characters are taken here` : undefined;
  return text({ min, check });
}

const characters = (count: number): string => `${count} character${count === 1 ? '' : 's'}`;
const tooShort = (min: number): Problem => ({
  type: 'string_too_short',
  msg: `String should have at least ${characters(min)}`,
  ctx: { min_length: min },
});
const tooLong = (max: number): Problem => ({
  type: 'string_too_long',
  msg: `String should have at most ${characters(max)}`,
  ctx: { max_length: max },
});

const INTEGER_TEXT = /^\s*[+-]?\d+(_\d+)*(\.0*)?\s*$/;
/** Each run of digits can match in one way only: an ambiguous expression would backtrack for hours. */
const DECIMAL_TEXT = /^\s*[+-]?(\d+(_\d+)*(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*$/;

function readNumber(raw: unknown, form: RegExp): unknown {
  if (typeof raw === 'boolean') return Number(raw);
  if (typeof raw === 'string' && form.test(raw)) return Number(raw.replaceAll('_', ''));
  return raw;
}

/** An integer. Accepts strings and booleans, as pydantic does. */
export function integer(range: Range = {}): FieldType {
  return {
    read: (raw) => readNumber(raw, INTEGER_TEXT),
    problems: (value) => {
      if (typeof value === 'string') {
        const msg = 'Input should be a valid integer, unable to parse string as an integer';
        return [{ type: 'int_parsing', msg }];
      }
      if (typeof value !== 'number') return [{ type: 'int_type', msg: 'Input should be a valid integer' }];
      if (!Number.isInteger(value)) {
        const msg = 'Input should be a valid integer, got a number with a fractional part';
        return [{ type: 'int_from_float', msg }];
      }
      if (!Number.isSafeInteger(value)) {
        const msg = 'Unable to parse input string as an integer, exceeded maximum size';
        return [{ type: 'int_parsing_size', msg }];
      }
      return outOfRange(value, range);
    },
    schema: () => ({ type: 'integer', ...rangeSchema(range) }),
  };
}

/** A finite number. Accepts strings. */
export function decimal(range: Range = {}): FieldType {
  return {
    read: (raw) => readNumber(raw, DECIMAL_TEXT),
    problems: (value) => {
      if (typeof value === 'string') {
        const msg = 'Input should be a valid number, unable to parse string as a number';
        return [{ type: 'float_parsing', msg }];
      }
      if (typeof value !== 'number') return [{ type: 'float_type', msg: 'Input should be a valid number' }];
      if (!Number.isFinite(value)) return [{ type: 'finite_number', msg: 'Input should be a finite number' }];
      return outOfRange(value, range);
    },
    schema: () => ({ type: 'number', ...rangeSchema(range) }),
  };
}

const TRUE_WORDS = ['1', 'on', 't', 'true', 'y', 'yes'];
const FALSE_WORDS = ['0', 'off', 'f', 'false', 'n', 'no'];

/** A boolean. Accepts 1, 0 and words such as `yes` and `off`. */
export function flag(): FieldType {
  return {
    read: (raw) => {
      if (raw === 1 || (typeof raw === 'string' && TRUE_WORDS.includes(raw.toLowerCase()))) return true;
      if (raw === 0 || (typeof raw === 'string' && FALSE_WORDS.includes(raw.toLowerCase()))) return false;
      return raw;
    },
    problems: (value) => {
      if (typeof value === 'boolean') return [];
      if (typeof value === 'string' || Number.isInteger(value)) {
        return [{ type: 'bool_parsing', msg: 'Input should be a valid boolean, unable to interpret input' }];
      }
      return [{ type: 'bool_type', msg: 'Input should be a valid boolean' }];
    },
    schema: () => ({ type: 'boolean' }),
  };
}

/** One of several strings. The error type distinguishes enumerations from literals, as pydantic does. */
export function choice(
  words: readonly string[],
  errorType: 'enum' | 'literal_error' = 'literal_error',
): FieldType {
  const quoted = words.map((word) => `'${word}'`);
  const last = quoted.at(-1) ?? '';
  const expected = quoted.length > 1 ? `${quoted.slice(0, -1).join(', ')} or ${last}` : last;
  return {
    read: unchanged,
    problems: (value) =>
      words.some((word) => word === value)
        ? []
        : [{ type: errorType, msg: `Input should be ${expected}`, ctx: { expected } }],
    schema: () =>
      words.length === 1 ? { type: 'string', const: words[0] } : { type: 'string', enum: [...words] },
  };
}

/** A UUID in any of its usual forms, normalised to dashes and lower case. */
export function uuid(): FieldType {
  return {
    read: (raw) => {
      const parsed = typeof raw === 'string' ? parseUuid(raw) : undefined;
      return parsed && 'id' in parsed ? parsed.id : raw;
    },
    problems: (value) => {
      if (typeof value !== 'string') {
        return [{ type: 'uuid_type', msg: 'UUID input should be a string, bytes or UUID object' }];
      }
      const parsed = parseUuid(value);
      if ('id' in parsed) return [];
      const { error } = parsed;
      return [{ type: 'uuid_parsing', msg: `Input should be a valid UUID, ${error}`, ctx: { error } }];
    },
    schema: () => ({ type: 'string', format: 'uuid' }),
  };
}

/** A date and time, converted to naive local time with microseconds, the format of event timestamps. */
export function instant(): FieldType {
  return {
    read: (raw) => {
      const parsed = parseInstant(raw);
      return 'local' in parsed ? parsed.local : raw;
    },
    problems: (value) => {
      const parsed = parseInstant(value);
      if ('local' in parsed) return [];
      const { error } = parsed;
      return [
        {
          type: 'datetime_from_date_parsing',
          msg: `Input should be a valid datetime or date, ${error}`,
          ctx: { error },
        },
      ];
    },
    schema: () => ({ type: 'string', format: 'date-time' }),
  };
}

const notAnObject: Problem = { type: 'dict_type', msg: 'Input should be a valid dictionary' };

/**
 * Any JSON object, unchanged.
 * @param options.secret it may contain secrets: other input in its place is not repeated
 */
export function anyObject({ secret = false } = {}): FieldType {
  return {
    ...(secret && { holdsSecrets: () => true, shown: (raw) => (isJsonObject(raw) ? raw : redacted(raw)) }),
    read: unchanged,
    problems: (value) => (isJsonObject(value) ? [] : [notAnObject]),
    schema: () => ({ type: 'object', additionalProperties: true }),
  };
}

/** Any JSON value, unchanged. */
export function anything(): FieldType {
  return { read: unchanged, problems: () => [], schema: () => ({}) };
}

/** Allows null as well. */
export function nullable(type: FieldType): FieldType {
  return {
    ...type,
    read: (raw) => (raw === null ? null : type.read(raw)),
    problems: (value) => (value === null ? [] : type.problems(value)),
    schema: () => ({ anyOf: [type.schema(), { type: 'null' }] }),
  };
}

/** A list. Problems of items have the index in their path. */
export function listOf(item: FieldType, { min = 0, max = Infinity } = {}): FieldType {
  const tooMany = (length: number): Problem => ({
    type: 'too_long',
    msg: `List should have at most ${max} items after validation, not ${length}`,
    ctx: { field_type: 'List', max_length: max, actual_length: length },
  });
  const tooFew = (length: number): Problem => ({
    type: 'too_short',
    msg: `List should have at least ${min} item${min === 1 ? '' : 's'} after validation, not ${length}`,
    ctx: { field_type: 'List', min_length: min, actual_length: length },
  });
  return {
    read: (raw) => (Array.isArray(raw) ? raw.map((value) => item.read(value)) : raw),
    problems: (value) => {
      if (!Array.isArray(value)) return [{ type: 'list_type', msg: 'Input should be a valid list' }];
      if (value.length > max) return [tooMany(value.length)];
      if (value.length < min) return [tooFew(value.length)];
      return problemsOfEach(value.entries(), (entry) => item.problems(entry));
    },
    schema: () => ({
      type: 'array',
      items: item.schema(),
      ...(max !== Infinity && { maxItems: max }),
      ...(min > 0 && { minItems: min }),
    }),
    ...secretsOf(item, (raw, shown) => (Array.isArray(raw) ? raw.map(shown) : redacted(raw))),
    nested: item.nested,
    repeated: true,
  };
}

/** Secret handling of a container of such items. */
function secretsOf(
  item: FieldType,
  show: (raw: unknown, shown: (raw: unknown) => unknown) => unknown,
): Pick<FieldType, 'holdsSecrets' | 'shown'> {
  const holdsSecrets = (): boolean => item.holdsSecrets?.() === true;
  return {
    holdsSecrets,
    shown: (raw) => (holdsSecrets() ? show(raw, (value) => item.shown?.(value) ?? value) : raw),
  };
}

const shownObject = (raw: unknown, shown: (raw: unknown) => unknown): unknown =>
  isJsonObject(raw)
    ? Object.fromEntries(Object.entries(raw).map(([key, value]) => [key, shown(value)]))
    : redacted(raw);

interface MapOptions {
  /** Its values are secrets, but are not documented as passwords. */
  secret?: boolean;
  /** A check of all entries together; returns the text of a `value_error`. */
  check?: (entries: [string, unknown][]) => string | undefined;
}

/** An object whose values have one type, parsed into a plain object. */
export function recordOf(item: FieldType, { check, secret = false }: MapOptions = {}): FieldType {
  return {
    ...secretsOf(secret ? { ...item, holdsSecrets: () => true, shown: redacted } : item, shownObject),
    // `fromEntries` creates own properties for all names, including `__proto__`.
    read: (raw) =>
      isJsonObject(raw)
        ? Object.fromEntries(Object.entries(raw).map(([key, value]) => [key, item.read(value)]))
        : raw,
    problems: (value) =>
      isJsonObject(value) ? entryProblems(Object.entries(value), item, check) : [notAnObject],
    schema: () => ({ type: 'object', additionalProperties: item.schema() }),
  };
}

/** An object whose values are DTOs, parsed into a `Map`. */
export function mapOf(item: FieldType): FieldType {
  return {
    ...secretsOf(item, shownObject),
    read: (raw) =>
      isJsonObject(raw) ? new Map(Object.entries(raw).map(([key, value]) => [key, item.read(value)])) : raw,
    problems: (value) => (isMap(value) ? entryProblems([...value], item) : [notAnObject]),
    schema: () => ({ type: 'object', additionalProperties: item.schema() }),
    nested: item.nested,
  };
}

/** Whether a value was parsed by `mapOf`. */
export function isMap(value: unknown): value is Map<string, unknown> {
  return value instanceof Map;
}

function entryProblems(
  entries: [string, unknown][],
  item: FieldType,
  check?: MapOptions['check'],
): Problem[] {
  const found = problemsOfEach(entries, (value) => item.problems(value));
  if (found.length > 0) return found;
  const complaint = check?.(entries);
  return complaint === undefined ? [] : [valueError(complaint)];
}
