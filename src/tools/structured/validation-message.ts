import type { OutputUnit } from '@cfworker/json-schema';
import { isJsonObject, type JsonObject } from '../../json/index.js';
import { pythonRepr } from '../../text/index.js';
import { memberOf, pointerOf, pointerParts } from './keywords.js';
import type { CheckedSchema } from './check-schema.js';

/** Errors that only say that there are errors below: those follow. */
const WRAPPERS = new Set([
  '$ref',
  'allOf',
  'dependentSchemas',
  'if',
  'items',
  'patternProperties',
  'prefixItems',
  'properties',
  'propertyNames',
]);

/** A wrong value is quoted up to this length (characters): models write long ones. */
const MAX_QUOTED = 500;

/**
 * The first reason why values do not match a schema, in the words of the original. The first is the one whose
 * keyword comes first in the schema.
 */
export function validationMessage(
  errors: readonly OutputUnit[],
  values: JsonObject,
  checked: CheckedSchema,
): string {
  const keywords = Object.keys(checked.schema);
  const rank = (error: OutputUnit): number => keywords.indexOf(pointerParts(error.keywordLocation)[0] ?? '');
  const outer = errors.filter(({ keywordLocation }) => pointerParts(keywordLocation).length === 1);
  const first = [...outer].sort((one, other) => rank(one) - rank(other))[0] ?? errors[0];
  let index = first ? errors.indexOf(first) : 0;
  while (index < errors.length - 1 && WRAPPERS.has(errors[index]?.keyword ?? '')) index += 1;
  const error = errors[index];
  if (!error) return 'the values do not match';
  return describe(error, errors.slice(index + 1), values, checked);
}

function describe(
  error: OutputUnit,
  following: readonly OutputUnit[],
  values: JsonObject,
  checked: CheckedSchema,
): string {
  const { keyword } = error;
  const instance = pointerParts(pointerOf(error.instanceLocation)).reduce<unknown>(memberOf, values);
  const { schema, limit } = keywordAt(error.keywordLocation, checked);
  const value = quoted(instance);
  switch (keyword) {
    case 'required':
      return `${pythonRepr(missing(limit, instance))} is a required property`;
    case 'type': {
      const names: unknown[] = Array.isArray(limit) ? limit : [limit];
      return `${value} is not of type ${names.map(pythonRepr).join(', ')}`;
    }
    case 'enum':
      return `${value} is not one of ${quoted(limit)}`;
    case 'const':
      return `${quoted(limit)} was expected`;
    case 'minimum':
      return `${value} is less than the minimum of ${pythonRepr(limit)}`;
    case 'maximum':
      return `${value} is greater than the maximum of ${pythonRepr(limit)}`;
    case 'exclusiveMinimum':
      return `${value} is less than or equal to the minimum of ${pythonRepr(limit)}`;
    case 'exclusiveMaximum':
      return `${value} is greater than or equal to the maximum of ${pythonRepr(limit)}`;
    case 'multipleOf':
      return `${value} is not a multiple of ${pythonRepr(limit)}`;
    case 'pattern':
      return `${value} does not match ${pythonRepr(limit)}`;
    case 'minLength':
    case 'minItems':
      return `${value} ${limit === 1 ? 'should be non-empty' : 'is too short'}`;
    case 'maxLength':
    case 'maxItems':
      return `${value} ${limit === 0 ? 'is expected to be empty' : 'is too long'}`;
    case 'minProperties':
      return `${value} ${limit === 1 ? 'should be non-empty' : 'does not have enough properties'}`;
    case 'maxProperties':
      return `${value} ${limit === 0 ? 'is expected to be empty' : 'has too many properties'}`;
    case 'uniqueItems':
      return `${value} has non-unique elements`;
    case 'anyOf':
      return `${value} is not valid under any of the given schemas`;
    case 'oneOf':
      return error.error.includes('(0 matches)')
        ? `${value} is not valid under any of the given schemas`
        : `${value} is valid under more than one of the given schemas`;
    case 'not':
      return `${value} should not be valid under ${quoted(limit)}`;
    case 'contains':
      return `${value} does not contain items matching the given schema`;
    case 'additionalProperties':
      return limit === false
        ? `Additional properties are not allowed (${unexpected(schema, instance)})`
        : nested(following, values, checked, error);
    default:
      return `${value}: ${error.error}`;
  }
}

/** The reason behind an error that has one of its own below. */
function nested(
  following: readonly OutputUnit[],
  values: JsonObject,
  checked: CheckedSchema,
  { error }: OutputUnit,
): string {
  const index = following.findIndex(({ keyword }) => !WRAPPERS.has(keyword));
  const next = following[index];
  return next ? describe(next, following.slice(index + 1), values, checked) : error;
}

/** The value of the keyword at a location, which leads through references, and the schema that has it. */
function keywordAt(
  location: string,
  { schema, references }: CheckedSchema,
): { schema: unknown; limit: unknown } {
  let owner: unknown = schema;
  let found: unknown = schema;
  for (const part of pointerParts(pointerOf(location))) {
    owner = found;
    const member = memberOf(found, part);
    found = part === '$ref' && typeof member === 'string' ? references[member] : member;
  }
  return { schema: owner, limit: found };
}

function missing(required: unknown, instance: unknown): unknown {
  const names: unknown[] = Array.isArray(required) ? required : [];
  return names.find((name) => !isJsonObject(instance) || !Object.hasOwn(instance, String(name)));
}

function unexpected(schema: unknown, instance: unknown): string {
  const { properties, patternProperties } = isJsonObject(schema) ? schema : {};
  const known = isJsonObject(properties) ? properties : {};
  const patterns = isJsonObject(patternProperties) ? Object.keys(patternProperties) : [];
  const names = isJsonObject(instance) ? Object.keys(instance) : [];
  const extra = names.filter(
    (name) => !Object.hasOwn(known, name) && !patterns.some((pattern) => new RegExp(pattern, 'u').test(name)),
  );
  const shown = extra.sort().map((name) => pythonRepr(name.slice(0, MAX_QUOTED)));
  return `${shown.slice(0, 20).join(', ')} ${extra.length === 1 ? 'was' : 'were'} unexpected`;
}

function quoted(value: unknown): string {
  const text = pythonRepr(value);
  return text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
}
