import type { JsonSchema } from '../../../http/validation/field-type.js';

/** A reference to a schema of the document. */
export const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

/** The same, or null. */
export const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });

/** A list of such items. */
export const list = (items: JsonSchema): JsonSchema => ({ type: 'array', items });

/** One of some texts. */
export const words = (...values: string[]): JsonSchema => ({ type: 'string', enum: values });

/** An object; names that end in `?` are not required. */
export function object(fields: Record<string, JsonSchema>, rest: JsonSchema = {}): JsonSchema {
  const names = Object.keys(fields);
  return {
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name.replace('?', ''), fields[name]])),
    required: names.filter((name) => !name.endsWith('?')),
    ...rest,
  };
}

/** One of the named schemas, told apart by `kind`, which is the name. */
export function union(kinds: readonly string[]): JsonSchema {
  return {
    oneOf: kinds.map(ref),
    discriminator: {
      propertyName: 'kind',
      mapping: Object.fromEntries(kinds.map((kind) => [kind, `#/components/schemas/${kind}`])),
    },
  };
}
