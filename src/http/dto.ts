import { type ValidationError, validateSync } from 'class-validator';
import { type DtoClass, fieldsOf, isClosed } from './field.js';
import { type FieldType, isJsonObject, isMap } from './field-type.js';
import {
  type Location,
  type Problem,
  RequestValidationError,
  type Rule,
  below,
  valueError,
} from './problem.js';

const NOT_AN_OBJECT: Problem = {
  type: 'model_attributes_type',
  msg: 'Input should be a valid dictionary or object to extract fields from',
};

interface Origin {
  dto: DtoClass;
  source: Record<string, unknown>;
}

/** What a DTO was read from: extra fields are seen only there. */
const origins = new WeakMap<object, Origin>();

/**
 * Makes a DTO of a JSON object: declared fields only, each read by its type, defaults for what is absent. Nothing is
 * checked yet. (class-transformer is not used for this: it copies free-form values key by key and calls whatever stands
 * under a key named `constructor`.)
 */
export function readDto<T extends object>(dto: DtoClass<T>, source: Record<string, unknown>): T {
  const instance = new dto();
  for (const [name, { type }] of fieldsOf(dto)) {
    if (!Object.hasOwn(source, name)) continue;
    const value = type.read(source[name]);
    Object.assign(instance, { [name]: type.nested ? mute(value) : value });
  }
  origins.set(instance, { dto, source });
  return instance;
}

/** Everything that is wrong with a DTO and the DTOs in it. */
export function problemsOf(instance: object): Problem[] {
  if (origins.has(instance) && isFaultless(instance)) return [];
  const errors = validateSync(instance, { forbidUnknownValues: false });
  return [...fromErrors(errors), ...unknownFields(instance)];
}

/**
 * Whether the rules of all fields say yes, in the DTOs of a DTO, too. class-validator asks the same rules and finds the places
 * of what is wrong, but looks for them anew each time: most requests are right, and most of their time went there.
 */
function isFaultless(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isFaultless);
  if (isMap(value)) return [...value.values()].every(isFaultless);
  const origin = typeof value === 'object' && value !== null ? origins.get(value) : undefined;
  if (origin === undefined) return true;
  for (const [name, { type, optional }] of fieldsOf(origin.dto)) {
    const field: unknown = Reflect.get(Object(value), name);
    if (field === undefined ? !optional : type.problems(field).length > 0) return false;
    if (type.nested && !isFaultless(field)) return false;
  }
  return !isClosed(origin.dto) || Object.keys(origin.source).every((name) => fieldsOf(origin.dto).has(name));
}

function fromErrors(errors: readonly ValidationError[]): Problem[] {
  return errors.flatMap((error) => {
    const key = Array.isArray(error.target) ? Number(error.property) : error.property;
    const context: unknown = error.contexts?.['field'];
    const own = hasRule(context) ? context.rule(error.value) : [];
    return below([key], [...own, ...fromErrors(error.children ?? [])]);
  });
}

function hasRule(context: unknown): context is { rule: Rule } {
  return isJsonObject(context) && typeof context['rule'] === 'function';
}

/** Fields of the source that a closed DTO does not know. */
function unknownFields(instance: object): Problem[] {
  const origin = origins.get(instance);
  if (!origin || !isClosed(origin.dto)) return [];
  const known = fieldsOf(origin.dto);
  return Object.keys(origin.source)
    .filter((name) => !known.has(name))
    .map((name) => ({ type: 'extra_forbidden', msg: 'Extra inputs are not permitted', at: [name] }));
}

/**
 * A value that class-validator goes into. It asks all objects in it for their constructor: in one that no class has read,
 * on its way to being refused, one that came with the request must not answer.
 */
function mute(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(mute);
  if (isMap(value)) return new Map([...value].map(([key, entry]) => [key, mute(entry)]));
  if (!isJsonObject(value) || origins.has(value) || !Object.hasOwn(value, 'constructor')) return value;
  const { constructor: _ignored, ...rest } = value;
  return rest;
}

interface ModelOptions {
  /** Named in the error of a value that is no object; without it the wire's words are those for a body's own fields. */
  className?: string;
  /** A check of the object as it came, made before its fields; the text of a `value_error`. */
  before?: (source: Record<string, unknown>) => string | undefined;
}

function notAnObject(className?: string): Problem {
  if (!className) return NOT_AN_OBJECT;
  const msg = `Input should be a valid dictionary or instance of ${className}`;
  return { type: 'model_type', msg, ctx: { class_name: className } };
}

/** An object that is read into a DTO. */
export function model<T extends object>(
  dto: DtoClass<T>,
  { className, before }: ModelOptions = {},
): FieldType {
  return {
    read: (raw) => (isJsonObject(raw) ? readDto(dto, raw) : raw),
    problems: (value) => {
      if (!(value instanceof dto)) return [notAnObject(className)];
      const origin = origins.get(value);
      const complaint = origin && before?.(origin.source);
      return complaint === undefined ? unknownFields(value) : [valueError(complaint)];
    },
    schema: () => ({ $ref: refTo(dto) }),
    nested: true,
  };
}

interface KindOptions {
  /** The name of the union in the error of an unknown kind. */
  union: string;
  className?: string;
  /** The kind of an object that names none. */
  assume?: (source: Record<string, unknown>) => string | undefined;
}

/** An object of one of several classes, told apart by `kind`. The classes are asked for when needed: unions nest. */
export function oneOfKinds(kinds: () => Record<string, DtoClass>, options: KindOptions): FieldType {
  const kindOf = (source: Record<string, unknown>): unknown =>
    Object.hasOwn(source, 'kind') ? source['kind'] : options.assume?.(source);
  const classFor = (source: Record<string, unknown>): DtoClass | undefined => {
    const kind = kindOf(source);
    const known = kinds();
    return typeof kind === 'string' && Object.hasOwn(known, kind) ? known[kind] : undefined;
  };
  const unknownKind = (source: Record<string, unknown>): Problem => {
    const expected = Object.keys(kinds()).map((kind) => `'${kind}'`);
    const given = kindOf(source) ?? '';
    const kind = (typeof given === 'string' ? given : JSON.stringify(given)).slice(0, 200);
    return valueError(
      `Unknown kind '${kind}' for ${options.union}; Expected one of: [${expected.join(', ')}]`,
    );
  };
  return {
    read: (raw) => {
      const dto = isJsonObject(raw) ? classFor(raw) : undefined;
      return isJsonObject(raw) && dto ? readDto(dto, raw) : raw;
    },
    problems: (value) => {
      if (!isJsonObject(value)) return [notAnObject(options.className)];
      return Object.values(kinds()).some((dto) => value instanceof dto)
        ? unknownFields(value)
        : [unknownKind(value)];
    },
    schema: () => {
      const mapping = Object.fromEntries(Object.entries(kinds()).map(([kind, dto]) => [kind, refTo(dto)]));
      return {
        oneOf: Object.values(mapping).map(($ref) => ({ $ref })),
        discriminator: { propertyName: 'kind', mapping },
      };
    },
    nested: true,
  };
}

/** An object of the first class that it is valid for; otherwise the wire lists what each of them misses. */
export function firstValidOf(classes: Record<string, DtoClass>): FieldType {
  return {
    read: (raw) => {
      if (!isJsonObject(raw)) return raw;
      const candidates = Object.values(classes).map((dto) => readDto(dto, raw));
      return candidates.find((candidate) => problemsOf(candidate).length === 0) ?? raw;
    },
    problems: (value) => {
      if (Object.values(classes).some((dto) => value instanceof dto)) return [];
      return Object.entries(classes).flatMap(([name, dto]) =>
        below([name], isJsonObject(value) ? problemsOf(readDto(dto, value)) : [NOT_AN_OBJECT]),
      );
    },
    schema: () => ({ anyOf: Object.values(classes).map((dto) => ({ $ref: refTo(dto) })) }),
  };
}

const referenced = new Map<string, DtoClass>();

/** The name of a DTO in the API document: its class name without `Dto`. */
export function schemaName(dto: DtoClass): string {
  return dto.name.replace(/Dto$/, '');
}

/** A reference to a DTO's schema; the document takes in every class that was referred to. */
export function refTo(dto: DtoClass): string {
  referenced.set(schemaName(dto), dto);
  return `#/components/schemas/${schemaName(dto)}`;
}

/** Every DTO that was referred to so far, by schema name. */
export function referencedDtos(): ReadonlyMap<string, DtoClass> {
  return referenced;
}

/**
 * Reads and checks one value that came with a request.
 * @throws RequestValidationError with every problem
 */
export function readChecked(type: FieldType, raw: unknown, location: Location): unknown {
  const value = type.read(raw);
  const own = type.problems(value);
  const isDto = typeof value === 'object' && value !== null && origins.has(value);
  const problems = own.length === 0 && isDto ? problemsOf(value) : own;
  if (problems.length === 0) return value;
  throw new RequestValidationError(below(location, problems), { [String(location[0])]: raw });
}

const NONE: ReadonlySet<string> = new Set();

/**
 * A DTO as plain JSON: declared fields in order, maps as objects.
 * @param without names of its own fields that are left out
 */
export function toPlain(value: unknown, without = NONE): unknown {
  if (Array.isArray(value)) return value.map((entry) => toPlain(entry));
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, entry]) => [key, toPlain(entry)]));
  if (typeof value !== 'object' || value === null) return value;
  const origin = origins.get(value);
  // What was not read into a DTO is free-form JSON: it stays as it came.
  if (!origin) return value;
  const plain: [string, unknown][] = [];
  for (const name of fieldsOf(origin.dto).keys()) {
    const field: unknown = without.has(name) ? undefined : Reflect.get(value, name);
    if (field !== undefined) plain.push([name, toPlain(field)]);
  }
  return Object.fromEntries(plain);
}
