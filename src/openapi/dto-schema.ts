import {
  type DtoClass,
  fieldsOf,
  type FieldSpec,
  isClosed,
  type JsonSchema,
  schemaName,
  toPlain,
} from '../http/index.js';

/** The JSON schema of a DTO. Fields without an initial value are required; the others have a default. */
export function dtoSchema(dto: DtoClass): JsonSchema {
  const defaults = new Map<string, unknown>(Object.entries(new dto()));
  const fields = [...fieldsOf(dto)];
  const isRequired = ([name, { optional }]: [string, FieldSpec]): boolean =>
    !optional && defaults.get(name) === undefined;
  const required = fields.filter(isRequired).map(([name]) => name);
  return {
    title: schemaName(dto),
    type: 'object',
    properties: Object.fromEntries(
      fields.map(([name, spec]) => [name, fieldSchema(spec, defaults.get(name))]),
    ),
    ...(required.length > 0 && { required }),
    ...(isClosed(dto) && { additionalProperties: false }),
  };
}

/** The schema of one field: type, description and default. */
export function fieldSchema({ type, description }: FieldSpec, initial: unknown): JsonSchema {
  return {
    ...type.schema(),
    description,
    ...(initial !== undefined && { default: toPlain(initial) }),
  };
}
