import { isJsonObject, type JsonObject } from '../../json/index.js';
import {
  LIST_KEYWORDS,
  MAP_KEYWORDS,
  memberOf,
  pointerOf,
  pointerParts,
  SCHEMA_KEYWORDS,
} from './keywords.js';
import { ResponseSchemaError } from './schema-error.js';

/** The largest expanded schema (characters of JSON). */
const MAX_TEXT = 131_072;

/**
 * The properties of a checked schema as models are sent them: in the schema of a tool, references into the
 * schema would lead nowhere, so what they refer to is put in their place. Where a schema contains itself, the
 * inner one is only described by its type.
 * @throws ResponseSchemaError if the result is too large
 */
export function expandReferences(root: JsonObject): JsonObject {
  let size = 0;
  const count = (characters: number): void => {
    size += characters;
    if (size > MAX_TEXT)
      throw new ResponseSchemaError('response_schema is too large when its references are expanded');
  };

  const expand = (schema: unknown, open: ReadonlySet<unknown>): unknown => {
    count(2);
    if (!isJsonObject(schema)) return schema;
    const { $ref: reference, $defs: _defs, definitions: _definitions, ...own } = schema;
    const expanded = withinKeywords(own, open);
    if (typeof reference !== 'string') return expanded;
    const target = targetOf(root, reference);
    const inner = open.has(target) ? outline(target) : expand(target, new Set([...open, target]));
    return isJsonObject(inner) ? { ...inner, ...expanded } : inner;
  };

  const withinKeywords = (schema: JsonObject, open: ReadonlySet<unknown>): JsonObject =>
    Object.fromEntries(
      Object.entries(schema).map(([keyword, value]) => {
        if (SCHEMA_KEYWORDS.includes(keyword)) return [keyword, expand(value, open)];
        if (LIST_KEYWORDS.includes(keyword) && Array.isArray(value))
          return [keyword, value.map((item: unknown) => expand(item, open))];
        if (MAP_KEYWORDS.includes(keyword) && isJsonObject(value)) {
          const entries = Object.entries(value);
          return [keyword, Object.fromEntries(entries.map(([name, item]) => [name, expand(item, open)]))];
        }
        count(keyword.length + JSON.stringify(value).length);
        return [keyword, value];
      }),
    );

  const { properties } = root;
  const entries = isJsonObject(properties) ? Object.entries(properties) : [];
  return Object.fromEntries(entries.map(([name, schema]) => [name, expand(schema, new Set())]));
}

/** What models are told of a schema within itself. */
function outline(schema: unknown): JsonObject {
  if (!isJsonObject(schema)) return {};
  const { type = 'object', description } = schema;
  return { type, ...(description === undefined ? {} : { description }) };
}

/** What a reference within a document refers to. */
function targetOf(root: JsonObject, reference: string): unknown {
  return pointerParts(pointerOf(reference)).reduce<unknown>(memberOf, root);
}
