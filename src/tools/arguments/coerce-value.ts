import { isJsonObject } from '../../json/index.js';
import { pythonRepr } from '../../text/index.js';

/** A validation error of one argument. */
export interface ValidationProblem {
  /** Path of the value, as in `task_list.0.status`. */
  location: string;
  /** The error type in pydantic's terms: `missing`, `literal_error` ... */
  type: string;
  message: string;
  /** The given value. */
  input: unknown;
}

type Schema = Record<string, unknown>;
type Report = (type: string, message: string) => void;

/**
 * Validates and converts a value as leniently as pydantic: `"5"` is a number and `"yes"` a boolean. Fills in
 * the defaults of objects. Errors are added to `problems`; the result must then not be used.
 *
 * Supports the JSON schema keywords that tools use: `type`, `enum`, `minimum`, `properties`, `required`,
 * `items`, `default`, and `title` as the name of an object. Other keywords are ignored.
 */
function coerceValue(
  schema: Schema,
  value: unknown,
  location: string,
  problems: ValidationProblem[],
): unknown {
  const report: Report = (type, message) => void problems.push({ location, type, message, input: value });
  if (Array.isArray(schema['enum'])) return coerceEnum(schema['enum'], value, report);
  switch (schema['type']) {
    case 'string':
      if (typeof value !== 'string') report('string_type', 'Input should be a valid string');
      return value;
    case 'integer':
      return checkMinimum(schema, coerceInteger(value, report), report);
    case 'number':
      return checkMinimum(schema, coerceNumber(value, report), report);
    case 'boolean':
      return coerceBoolean(value, report);
    case 'array':
      return coerceArray(schema, value, location, problems, report);
    case 'object':
      return coerceNested(schema, value, location, problems, report);
    default:
      return value;
  }
}

/** Converts the fields that the schema declares, in schema order. Other fields are omitted. */
export function coerceFields(
  schema: Schema,
  fields: Record<string, unknown>,
  location: string,
  problems: ValidationProblem[],
): Record<string, unknown> {
  const properties = isJsonObject(schema['properties']) ? schema['properties'] : {};
  const required: unknown[] = Array.isArray(schema['required']) ? schema['required'] : [];
  const result: [string, unknown][] = [];
  for (const [name, property] of Object.entries(properties)) {
    const propertySchema = isJsonObject(property) ? property : {};
    const path = location === '' ? name : `${location}.${name}`;
    if (Object.hasOwn(fields, name)) {
      result.push([name, coerceValue(propertySchema, fields[name], path, problems)]);
    } else if (required.includes(name)) {
      problems.push({ location: path, type: 'missing', message: 'Field required', input: fields });
    } else if (propertySchema['default'] !== undefined) {
      result.push([name, structuredClone(propertySchema['default'])]);
    }
  }
  return Object.fromEntries(result);
}

function coerceNested(
  schema: Schema,
  value: unknown,
  location: string,
  problems: ValidationProblem[],
  report: Report,
): unknown {
  const title = schema['title'];
  if (!isJsonObject(value)) {
    if (typeof title === 'string')
      report('model_type', `Input should be a valid dictionary or instance of ${title}`);
    else report('dict_type', 'Input should be a valid dictionary');
    return value;
  }
  // An object without declared properties is accepted unchanged.
  return isJsonObject(schema['properties']) ? coerceFields(schema, value, location, problems) : value;
}

function coerceArray(
  schema: Schema,
  value: unknown,
  location: string,
  problems: ValidationProblem[],
  report: Report,
): unknown {
  if (!Array.isArray(value)) {
    report('list_type', 'Input should be a valid list');
    return value;
  }
  const items = isJsonObject(schema['items']) ? schema['items'] : {};
  return value.map((item, index) => coerceValue(items, item, `${location}.${index}`, problems));
}

function coerceEnum(allowed: unknown[], value: unknown, report: Report): unknown {
  if (!allowed.includes(value)) {
    const names = allowed.map(pythonRepr);
    const last = names.pop();
    report(
      'literal_error',
      `Input should be ${names.length > 0 ? `${names.join(', ')} or ` : ''}${last ?? 'nothing'}`,
    );
  }
  return value;
}

function coerceInteger(value: unknown, report: Report): number | undefined {
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return value;
    if (Number.isInteger(value))
      report('int_parsing_size', 'Unable to parse input string as an integer, exceeded maximum size');
    else report('int_from_float', 'Input should be a valid integer, got a number with a fractional part');
    return undefined;
  }
  if (typeof value !== 'string') {
    report('int_type', 'Input should be a valid integer');
    return undefined;
  }
  const text = value.trim();
  const parsed = /^[-+]?\d+(_\d+)*(\.0+)?$/.test(text) ? Number(text.replaceAll('_', '')) : Number.NaN;
  if (Number.isSafeInteger(parsed)) return parsed;
  report('int_parsing', 'Input should be a valid integer, unable to parse string as an integer');
  return undefined;
}

function coerceNumber(value: unknown, report: Report): number | undefined {
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') {
    report('float_type', 'Input should be a valid number');
    return undefined;
  }
  const text = value.trim();
  const isNumber = /^[-+]?(\d+(_\d+)*(\.(\d+(_\d+)*)?)?|\.\d+(_\d+)*)(e[-+]?\d+)?$/i.test(text);
  const parsed = isNumber ? Number(text.replaceAll('_', '')) : Number.NaN;
  // JSON cannot represent Infinity.
  if (Number.isFinite(parsed)) return parsed;
  report('float_parsing', 'Input should be a valid number, unable to parse string as a number');
  return undefined;
}

const TRUE_WORDS = new Set(['1', 'true', 't', 'yes', 'y', 'on']);
const FALSE_WORDS = new Set(['0', 'false', 'f', 'no', 'n', 'off']);

function coerceBoolean(value: unknown, report: Report): unknown {
  if (typeof value === 'boolean') return value;
  if (value === 0 || value === 1) return value === 1;
  if (typeof value === 'string') {
    const word = value.toLowerCase();
    if (TRUE_WORDS.has(word)) return true;
    if (FALSE_WORDS.has(word)) return false;
  }
  const parsable = typeof value === 'string' || Number.isSafeInteger(value);
  if (parsable) report('bool_parsing', 'Input should be a valid boolean, unable to interpret input');
  else report('bool_type', 'Input should be a valid boolean');
  return value;
}

function checkMinimum(schema: Schema, value: number | undefined, report: Report): number | undefined {
  const minimum = schema['minimum'];
  if (value !== undefined && typeof minimum === 'number' && value < minimum) {
    report('greater_than_equal', `Input should be greater than or equal to ${minimum}`);
  }
  return value;
}
