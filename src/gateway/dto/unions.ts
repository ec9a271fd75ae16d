import { model, problemsOf, type DtoClass, text, type FieldType, prefixPath } from '../../http/index.js';

/** An object that is validated as a single value, so that it can be part of a union. */
export function nestedObject<T extends object>(dto: DtoClass<T>, className: string): FieldType {
  const type = model(dto, { className });
  return {
    read: (raw) => type.read(raw),
    problems: (value) => [...type.problems(value), ...(value instanceof dto ? problemsOf(value) : [])],
    schema: () => type.schema(),
  };
}

/**
 * A string or another type; reports the problems of both if neither fits. @param name of the other type in
 * problems
 */
export function textOr(name: string, other: FieldType): FieldType {
  return {
    read: (raw) => (typeof raw === 'string' ? raw : other.read(raw)),
    problems: (value) => {
      if (typeof value === 'string') return [];
      const found = other.problems(value);
      return found.length === 0
        ? []
        : [...prefixPath(['str'], text().problems(value)), ...prefixPath([name], found)];
    },
    schema: () => ({ anyOf: [{ type: 'string' }, other.schema()] }),
  };
}

/** Adds null as a member of the union. */
export function orNull(type: FieldType): FieldType {
  const { anyOf } = type.schema();
  const forms: unknown[] = Array.isArray(anyOf) ? anyOf : [type.schema()];
  return {
    read: (raw) => (raw === null ? null : type.read(raw)),
    problems: (value) => (value === null ? [] : type.problems(value)),
    schema: () => ({ anyOf: [...forms, { type: 'null' }] }),
  };
}
