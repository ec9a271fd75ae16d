import { isJsonObject } from '../../json/index.js';
import type { ToolSchema } from '../tool.js';

/** The maximum depth of a schema. Anything below is accepted without validation. */
const MAX_DEPTH = 12;

/**
 * Converts a server's schema to a `ToolSchema`. References to its own definitions are inlined. `null` is
 * removed from types, because null means that an argument is omitted. Defaults are left to the server.
 */
export function toToolSchema(input: Readonly<Record<string, unknown>>): ToolSchema {
  const { properties, required, additionalProperties: more } = input;
  const fields = isJsonObject(properties) ? Object.entries(properties) : [];
  const names = Array.isArray(required) ? required.filter((name) => typeof name === 'string') : [];
  return {
    type: 'object',
    properties: Object.fromEntries(fields.map(([name, field]) => [name, simplify(field, input, 0)])),
    ...(names.length > 0 ? { required: names } : {}),
    ...(more === true || isJsonObject(more) ? { additionalProperties: true } : {}),
  };
}

type Schema = Record<string, unknown>;

function simplify(schema: unknown, root: Schema, depth: number): Schema {
  if (!isJsonObject(schema) || depth > MAX_DEPTH) return {};
  const { $ref: reference, default: _default, ...own } = schema;
  if (typeof reference === 'string') {
    return { ...simplify(resolveReference(reference, root), root, depth + 1), ...own };
  }
  const alternatives = nonNull(own['anyOf'] ?? own['oneOf']);
  if (alternatives?.length === 1) {
    const { anyOf: _any, oneOf: _one, ...rest } = own;
    return { ...simplify(alternatives[0], root, depth + 1), ...withoutNull(rest) };
  }
  return Object.fromEntries(
    Object.entries(withoutNull(own)).map(([keyword, value]) => [
      keyword,
      simplifyKeyword(keyword, value, root, depth + 1),
    ]),
  );
}

function simplifyKeyword(keyword: string, value: unknown, root: Schema, depth: number): unknown {
  switch (keyword) {
    case 'properties':
    case 'patternProperties':
      if (!isJsonObject(value)) return {};
      return Object.fromEntries(
        Object.entries(value).map(([name, field]) => [name, simplify(field, root, depth)]),
      );
    case 'items':
    case 'additionalProperties':
      return isJsonObject(value) ? simplify(value, root, depth) : value;
    case 'anyOf':
    case 'oneOf':
    case 'allOf':
      return Array.isArray(value) ? value.map((item) => simplify(item, root, depth)) : value;
    default:
      return value;
  }
}

function nonNull(alternatives: unknown): unknown[] | undefined {
  if (!Array.isArray(alternatives)) return undefined;
  const all: unknown[] = alternatives;
  return all.filter((item) => !(isJsonObject(item) && item['type'] === 'null'));
}

/** `type: ["string", "null"]` means an optional string. */
function withoutNull(schema: Schema): Schema {
  const { type } = schema;
  if (!Array.isArray(type)) return schema;
  const types: unknown[] = type.filter((item) => item !== 'null');
  return { ...schema, type: types.length === 1 ? types[0] : types };
}

function resolveReference(reference: string, root: Schema): unknown {
  if (!reference.startsWith('#/')) return {};
  let found: unknown = root;
  for (const part of reference.slice(2).split('/')) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    found = isJsonObject(found) && Object.hasOwn(found, key) ? found[key] : undefined;
  }
  return found;
}
