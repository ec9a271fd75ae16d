import type { FieldType } from './field-type.js';

/** A DTO class: its constructor has no parameters. */
export interface DtoClass<T extends object = object> {
  new (): T;
  readonly name: string;
  readonly prototype: T;
}

/** The declaration of one field of a DTO. */
export interface FieldSpec {
  type: FieldType;
  description: string;
  /** May be absent; it is undefined then. */
  optional: boolean;
}

const specs = new WeakMap<object, Map<string, FieldSpec>>();
const closedClasses = new WeakSet<object>();
const optionalBodies = new WeakSet<object>();
const embedded = new WeakSet<object>();

/**
 * Declares a field of a DTO: how it is parsed, validated and documented. The initial value is the default; a
 * field without one is required. The order of declaration is the order on the wire.
 */
export function Field(type: FieldType, description: string, { optional = false } = {}): PropertyDecorator {
  return (prototype, key) => {
    const own = specs.get(prototype) ?? new Map<string, FieldSpec>();
    specs.set(prototype, own.set(String(key), { type, description, optional }));
  };
}

/** Rejects fields that the DTO does not declare. By default they are ignored. */
export function NoOtherFields(): ClassDecorator {
  return (target) => {
    closedClasses.add(target);
  };
}

/** Whether fields that the class does not declare are an error. */
export function isClosed(dto: DtoClass): boolean {
  return closedClasses.has(dto);
}

/** A request may omit this body; its fields have their defaults then. */
export function OptionalBody(): ClassDecorator {
  return (target) => {
    optionalBodies.add(target);
  };
}

/** Whether a request may omit this body. */
export function isOptionalBody(dto: DtoClass): boolean {
  return optionalBodies.has(dto);
}

/**
 * The body only wraps the one field of the class: without that field, the error is that of a missing body.
 */
export function Embedded(): ClassDecorator {
  return (target) => {
    embedded.add(target);
  };
}

/** Whether the body only wraps the one field of the class. */
export function isEmbedded(dto: DtoClass): boolean {
  return embedded.has(dto);
}

const fieldsOfClasses = new WeakMap<object, ReadonlyMap<string, FieldSpec>>();

/** The fields of a DTO class, inherited ones first; empty for any other class. */
export function fieldsOf(dto: { prototype: unknown }): ReadonlyMap<string, FieldSpec> {
  const known = fieldsOfClasses.get(dto);
  if (known) return known;
  const fields = collectFields(dto);
  fieldsOfClasses.set(dto, fields);
  return fields;
}

function collectFields(dto: { prototype: unknown }): Map<string, FieldSpec> {
  const chain: Map<string, FieldSpec>[] = [];
  for (
    let prototype: unknown = dto.prototype;
    isObject(prototype);
    prototype = Object.getPrototypeOf(prototype)
  ) {
    chain.unshift(specs.get(prototype) ?? new Map<string, FieldSpec>());
  }
  return new Map(chain.flatMap((fields) => [...fields]));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
