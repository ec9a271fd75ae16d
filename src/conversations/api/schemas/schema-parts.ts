import type { DescribedField, JsonSchema } from '../../../http/index.js';

/** A reference to a named schema. */
export const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

/** The schema, or null. */
export const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });

/** A list of items of a schema. */
export const list = (items: JsonSchema): JsonSchema => ({ type: 'array', items });

/** One of several texts. */
export const words = (...values: string[]): JsonSchema => ({ type: 'string', enum: values });

/** The field of a page that leads to the next one. */
export const NEXT_PAGE: DescribedField = [
  orNull({ type: 'string' }),
  '`page_id` of the next page; null on the last one.',
];

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
