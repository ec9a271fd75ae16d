import type { JsonSchema } from '../../../http/index.js';

/** A reference to a named schema. */
export const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

/** The schema, or null. */
export const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });

/** A list of items of a schema. */
export const list = (items: JsonSchema): JsonSchema => ({ type: 'array', items });

/** One of several texts. */
export const words = (...values: string[]): JsonSchema => ({ type: 'string', enum: values });

/** An object. Fields whose names end in `?` are optional. */
export function object(fields: Record<string, JsonSchema>, rest: JsonSchema = {}): JsonSchema {
  const names = Object.keys(fields);
  return {
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name.replace('?', ''), fields[name]])),
    required: names.filter((name) => !name.endsWith('?')),
    ...rest,
  };
}

/** One of several named schemas, discriminated by `kind`, which is the name. */
export function union(kinds: readonly string[]): JsonSchema {
  return {
    oneOf: kinds.map(ref),
    discriminator: {
      propertyName: 'kind',
      mapping: Object.fromEntries(kinds.map((kind) => [kind, `#/components/schemas/${kind}`])),
    },
  };
}
