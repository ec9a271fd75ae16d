import { isJsonObject } from '../../json/index.js';
import { type DtoClass, fieldsOf, isClosed } from './field.js';
import { type FieldType, isMap } from './field-type.js';
import {
  type Location,
  MAX_PROBLEMS,
  MISSING,
  type Problem,
  RequestValidationError,
  prefixPath,
  valueError,
} from './problem.js';
import { hasSecrets, shownAs } from './secret-fields.js';

const NOT_AN_OBJECT: Problem = {
  type: 'model_attributes_type',
  msg: 'Input should be a valid dictionary or object to extract fields from',
};

interface Origin {
  dto: DtoClass;
  source: Record<string, unknown>;
}

/** The source of each DTO, which has its unknown fields. */
const origins = new WeakMap<object, Origin>();

/**
 * Creates a DTO from a JSON object: declared fields only, each parsed by its type, with defaults for missing
 * ones. It is not validated yet. (class-transformer is not used: it copies free-form values key by key and
 * calls the value of a key named `constructor`.)
 */
export function readDto<T extends object>(dto: DtoClass<T>, source: Record<string, unknown>): T {
  const instance = new dto();
  for (const [name, { type }] of fieldsOf(dto)) {
    if (!Object.hasOwn(source, name)) continue;
    Object.assign(instance, { [name]: type.read(source[name]) });
  }
  origins.set(instance, { dto, source });
  return instance;
}

/** The problems of a DTO and its nested DTOs, up to `MAX_PROBLEMS`; empty when it is valid. */
export function problemsOf(instance: object): Problem[] {
  const found: Problem[] = [];
  collectProblems(instance, [], found);
  return [...found, ...unknownFields(instance)].slice(0, MAX_PROBLEMS);
}

/** Validates a DTO and its nested DTOs until there are `MAX_PROBLEMS`. */
function collectProblems(value: unknown, at: Location, found: Problem[]): void {
  for (const [key, item] of itemsOf(value)) {
    if (found.length >= MAX_PROBLEMS) return;
    collectProblems(item, [...at, key], found);
  }
  const origin = typeof value === 'object' && value !== null ? origins.get(value) : undefined;
  if (origin === undefined) return;
  for (const [name, { type, optional }] of fieldsOf(origin.dto)) {
    if (found.length >= MAX_PROBLEMS) return;
    const field: unknown = Reflect.get(Object(value), name);
    const absent = optional ? [] : [MISSING];
    const path = [...at, name];
    found.push(...prefixPath(path, field === undefined ? absent : type.problems(field)));
    if (type.nested) collectProblems(field, path, found);
  }
}

function itemsOf(value: unknown): Iterable<[string | number, unknown]> {
  if (Array.isArray(value)) return value.entries();
  return isMap(value) ? value : [];
}

/** Fields of the source that a closed DTO does not declare. */
function unknownFields(instance: object): Problem[] {
  const origin = origins.get(instance);
  if (!origin || !isClosed(origin.dto)) return [];
  const known = fieldsOf(origin.dto);
  return Object.keys(origin.source)
    .filter((name) => !known.has(name))
    .slice(0, MAX_PROBLEMS)
    .map((name) => ({ type: 'extra_forbidden', msg: 'Extra inputs are not permitted', path: [name] }));
}

interface ModelOptions {
  /** Named in the error for a value that is not an object; without it the error is that of a body. */
  className?: string;
  /** Validates the source before its fields; returns the text of a `value_error`. */
  before?: (source: Record<string, unknown>) => string | undefined;
}

function notAnObject(className?: string): Problem {
  if (!className) return NOT_AN_OBJECT;
  const msg = `Input should be a valid dictionary or instance of ${className}`;
  return { type: 'model_type', msg, ctx: { class_name: className } };
}

/** An object that is parsed into a DTO. */
export function model<T extends object>(
  dto: DtoClass<T>,
  { className, before }: ModelOptions = {},
): FieldType {
  return {
    holdsSecrets: () => hasSecrets(dto),
    shown: (raw) => shownAs([dto], raw),
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
  /** The name of the union in the error for an unknown kind. */
  union: string;
  className?: string;
  /** The kind of an object without `kind`. */
  assume?: (source: Record<string, unknown>) => string | undefined;
}

/** An object of one of several classes, discriminated by `kind`. `kinds` is called late: unions nest. */
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
    holdsSecrets: () => Object.values(kinds()).some(hasSecrets),
    shown: (raw) => {
      const dto = isJsonObject(raw) ? classFor(raw) : undefined;
      return shownAs(dto ? [dto] : Object.values(kinds()), raw);
    },
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

/** An object of the first class that it is valid for; else the problems with each class. */
export function firstValidOf(classes: Record<string, DtoClass>): FieldType {
  return {
    holdsSecrets: () => Object.values(classes).some(hasSecrets),
    shown: (raw) => shownAs(Object.values(classes), raw),
    read: (raw) => {
      if (!isJsonObject(raw)) return raw;
      const candidates = Object.values(classes).map((dto) => readDto(dto, raw));
      return candidates.find((candidate) => problemsOf(candidate).length === 0) ?? raw;
    },
    problems: (value) => {
      if (Object.values(classes).some((dto) => value instanceof dto)) return [];
      return Object.entries(classes).flatMap(([name, dto]) =>
        prefixPath([name], isJsonObject(value) ? problemsOf(readDto(dto, value)) : [NOT_AN_OBJECT]),
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

/** A reference to the schema of a DTO. The API document includes every referenced class. */
export function refTo(dto: DtoClass): string {
  referenced.set(schemaName(dto), dto);
  return `#/components/schemas/${schemaName(dto)}`;
}

/** Every DTO that was referenced so far, by schema name. */
export function referencedDtos(): ReadonlyMap<string, DtoClass> {
  return referenced;
}

/**
 * Parses and validates one value of a request.
 * @throws RequestValidationError with all problems
 */
export function readChecked(type: FieldType, raw: unknown, location: Location): unknown {
  const value = type.read(raw);
  const own = type.problems(value);
  const isDto = typeof value === 'object' && value !== null && origins.has(value);
  const problems = own.length === 0 && isDto ? problemsOf(value) : own;
  if (problems.length === 0) return value;
  const shown = type.shown?.(raw) ?? raw;
  throw new RequestValidationError(prefixPath(location, problems), { [String(location[0])]: shown });
}

const NONE: ReadonlySet<string> = new Set();

/**
 * A DTO as plain JSON: declared fields in order, maps as objects.
 * @param without names of top-level fields to leave out
 */
export function toPlain(value: unknown, without = NONE): unknown {
  if (Array.isArray(value)) return value.map((entry) => toPlain(entry));
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, entry]) => [key, toPlain(entry)]));
  if (typeof value !== 'object' || value === null) return value;
  const origin = origins.get(value);
  // Not a DTO, so free-form JSON.
  if (!origin) return value;
  const plain: [string, unknown][] = [];
  for (const name of fieldsOf(origin.dto).keys()) {
    const field: unknown = without.has(name) ? undefined : Reflect.get(value, name);
    if (field !== undefined) plain.push([name, toPlain(field)]);
  }
  return Object.fromEntries(plain);
}
