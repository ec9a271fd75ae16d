import {
  type DtoClass,
  fieldsOf,
  type FieldSpec,
  isClosed,
  type JsonSchema,
  schemaName,
  toPlain,
} from '../http/index.js';

/**
 * The JSON schema of a DTO: fields in order, required ones without initial value, the others with their
 * default.
 */
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

/** One field: its type, what it means, and its default. */
export function fieldSchema({ type, description }: FieldSpec, initial: unknown): JsonSchema {
  return {
    ...type.schema(),
    ...(description && { description }),
    ...(initial !== undefined && { default: toPlain(initial) }),
  };
}
