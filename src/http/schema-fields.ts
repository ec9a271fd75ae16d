import type { JsonSchema } from './validation/field-type.js';

/** A field of an answer: its schema, and what the field is for. */
export type DescribedField = readonly [schema: JsonSchema, description: string];

/** The `properties` of a schema. The type lets no field go without its description. */
export function describedFields(
  fields: Readonly<Record<string, DescribedField>>,
): Record<string, JsonSchema> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, [schema, description]]) => [name, { ...schema, description }]),
  );
}

/** The schema of an object. Fields whose names end in `?` may be absent. */
export function objectSchema(fields: Readonly<Record<string, DescribedField>>): JsonSchema {
  const names = Object.keys(fields);
  const required = names.filter((name) => !name.endsWith('?'));
  const properties = Object.entries(describedFields(fields));
  return {
    type: 'object',
    properties: Object.fromEntries(properties.map(([name, schema]) => [name.replace('?', ''), schema])),
    required,
  };
}
