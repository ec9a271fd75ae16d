import type { FieldType } from './field-type.js';

/** A class whose instances hold what a request says; made without arguments. */
export interface DtoClass<T extends object = object> {
  new (): T;
  readonly name: string;
  readonly prototype: T;
}

/** What is known of one field of a DTO. */
export interface FieldSpec {
  type: FieldType;
  description: string;
  /** May be absent and then has no value at all. */
  optional: boolean;
}

const specs = new WeakMap<object, Map<string, FieldSpec>>();
const closedClasses = new WeakSet<object>();
const optionalBodies = new WeakSet<object>();
const embedded = new WeakSet<object>();

/**
 * Declares a field of a DTO: how it is read, checked and documented. A field without an initial
 * value is required; the initial value is the default. The order of declaration is the order on the wire.
 */
export function Field(type: FieldType, description = '', { optional = false } = {}): PropertyDecorator {
  return (prototype, key) => {
    const own = specs.get(prototype) ?? new Map<string, FieldSpec>();
    specs.set(prototype, own.set(String(key), { type, description, optional }));
  };
}

/** The DTO takes no other fields than its own; elsewhere they are ignored. */
export function NoOtherFields(): ClassDecorator {
  return (target) => {
    closedClasses.add(target);
  };
}

/** Whether fields that the class does not declare are an error. */
export function isClosed(dto: DtoClass): boolean {
  return closedClasses.has(dto);
}

/** A request may come without this body; then all its fields have their defaults. */
export function OptionalBody(): ClassDecorator {
  return (target) => {
    optionalBodies.add(target);
  };
}

/** Whether a request may come without this body. */
export function isOptionalBody(dto: DtoClass): boolean {
  return optionalBodies.has(dto);
}

/** The body only wraps the one field of the class: where that is missing, nothing at all was sent for it. */
export function Embedded(): ClassDecorator {
  return (target) => {
    embedded.add(target);
  };
}

/** Whether the body only wraps the one field of this class. */
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
