import { BadRequestException } from '@nestjs/common';
import { isJsonObject, type JsonObject } from '../json/index.js';

/** The field of the structured output that holds the answer. */
const FIELD = 'output';

/**
 * The JSON schema that a request wants its answer to match; undefined if it wants a text. `json_object`,
 * which comes without a schema, counts as text.
 * @param format `response_format` of a chat completion, `text.format` of a response
 * @param field its path in the request
 * @throws BadRequestException for a form that does not exist, or without a schema
 */
export function requestedSchema(format: unknown, field: string): JsonObject | undefined {
  if (format === null || format === undefined) return undefined;
  const { type, schema, json_schema: nested } = isJsonObject(format) ? format : {};
  if (type === 'text' || type === 'json_object') return undefined;
  if (type !== 'json_schema')
    throw badRequest(`${field}.type must be 'text', 'json_object' or 'json_schema'`);
  const found = isJsonObject(nested) ? nested['schema'] : schema;
  if (isJsonObject(found)) return found;
  throw badRequest(`${field} of type 'json_schema' needs a 'schema' that is a JSON object`);
}

/**
 * The `response_schema` of `finish` for a schema of a client. The answer is one field, because the client's
 * schema may have names that calls of tools use themselves, and need not describe an object.
 */
export function finishSchema(schema: JsonObject): JsonObject {
  return {
    type: 'object',
    properties: { [FIELD]: withMovedReferences(schema) },
    required: [FIELD],
    additionalProperties: false,
  };
}

/** The answer in a structured output, as JSON; undefined if there is none. */
export function answerIn(structured: JsonObject | undefined): string | undefined {
  return structured && Object.hasOwn(structured, FIELD) ? JSON.stringify(structured[FIELD]) : undefined;
}

/** Keywords whose values are data, whatever these look like. */
const DATA = new Set(['const', 'default', 'enum', 'examples']);
/** Keywords whose values are schemas by names, which may be those of keywords. */
const NAMED_SCHEMAS = new Set([
  '$defs',
  'definitions',
  'dependentSchemas',
  'patternProperties',
  'properties',
]);

/** References in the schema begin at its root, which is no longer that of the document. */
function withMovedReferences(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withMovedReferences);
  if (!isJsonObject(schema)) return schema;
  return mapMembers(schema, (member, keyword) => {
    if (keyword === '$ref' && typeof member === 'string' && member.startsWith('#'))
      return `#/properties/${FIELD}${member.slice(1)}`;
    if (DATA.has(keyword)) return member;
    if (NAMED_SCHEMAS.has(keyword) && isJsonObject(member)) return mapMembers(member, withMovedReferences);
    return withMovedReferences(member);
  });
}

function mapMembers(object: JsonObject, map: (member: unknown, key: string) => unknown): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, member]) => [key, map(member, key)]));
}

function badRequest(detail: string): BadRequestException {
  return new BadRequestException({ detail });
}
