import { isJsonObject, type JsonObject } from '../../src/json/index.js';

/**
 * The parts of an OpenAPI document that clients rely on, in a short form: operations with parameters, body
 * and answers, and the schemas that they refer to, with types, required fields, defaults, limits and
 * discriminators. Texts and order are left out.
 */
export interface Facts {
  operations: Record<string, OperationFacts>;
  schemas: Record<string, Shape>;
}

/** One operation, named `GET /path`. */
export interface OperationFacts {
  /** By place and name: `query limit`, `path id`, `header X-Key`; a name that ends in `!` is required. */
  parameters: Record<string, Parameter>;
  body?: { shape: Shape; required: boolean };
  /** By status. Null when the body is not described. */
  answers: Record<string, Shape | null>;
}

/** A parameter of the path, the query or the headers. */
interface Parameter {
  shape: Shape;
  default?: unknown;
}

/**
 * A type: a word such as `string`, `integer >0 <=100` or `any`, the name of a schema (`@Name`), or made of
 * others.
 */
export type Shape =
  | string
  | { list: Shape; limits?: string }
  | { map: Shape }
  | { anyOf: Shape[] }
  /** One of several objects, told apart by the field `by`. */
  | { by: string; of: Record<string, Shape> }
  | { enum: unknown[] }
  | ObjectShape;

/** An object with named fields. */
export interface ObjectShape {
  fields: Record<string, Shape>;
  required: string[];
  defaults: Record<string, unknown>;
  /** Takes no other fields. */
  closed: boolean;
}

/** Reduces a document to the operations that `isWanted` accepts and the schemas that they refer to. */
export function factsOf(document: unknown, isWanted: (operation: string) => boolean): Facts {
  const operations: Record<string, OperationFacts> = {};
  for (const [path, item] of entries(at(document, 'paths'))) {
    for (const [method, operation] of entries(item)) {
      const name = `${method.toUpperCase()} ${path}`;
      if (isWanted(name)) operations[name] = operationFacts(operation);
    }
  }
  return { operations, schemas: reachable(operations, at(at(document, 'components'), 'schemas')) };
}

function operationFacts(operation: unknown): OperationFacts {
  const body = at(operation, 'requestBody');
  return {
    parameters: Object.fromEntries(items(at(operation, 'parameters')).map(parameter)),
    ...(isJsonObject(body) && {
      body: { shape: contentShape(body) ?? 'any', required: body['required'] === true },
    }),
    answers: Object.fromEntries(
      entries(at(operation, 'responses')).map(([status, answer]) => [status, contentShape(answer)]),
    ),
  };
}

function parameter(source: unknown): [string, Parameter] {
  const schema = at(source, 'schema');
  const name = `${String(at(source, 'in'))} ${String(at(source, 'name'))}`;
  const initial = at(schema, 'default');
  return [
    at(source, 'required') === true ? `${name}!` : name,
    { shape: shapeOf(schema), ...(initial !== undefined && { default: initial }) },
  ];
}

/** The shape of a body; its media type is JSON unless it says otherwise. */
function contentShape(holder: unknown): Shape | null {
  const [first] = entries(at(holder, 'content'));
  if (!first) return null;
  const [type, media] = first;
  const shape = shapeOf(at(media, 'schema') ?? media);
  return type === 'application/json' ? shape : `${type} ${typeof shape === 'string' ? shape : ''}`.trim();
}

/** The shape of a JSON schema. */
function shapeOf(schema: unknown): Shape {
  if (!isJsonObject(schema)) return 'any';
  const { $ref: ref, type } = schema;
  if (typeof ref === 'string') return `@${ref.split('/').at(-1) ?? ''}`;
  if ('const' in schema) return { enum: [schema['const']] };
  if ('enum' in schema) return { enum: items(schema['enum']).map(String).sort() };
  const discriminator = at(schema, 'discriminator');
  if (isJsonObject(discriminator)) {
    const of = entries(discriminator['mapping']).map(([kind, $ref]): [string, Shape] => [
      kind,
      shapeOf({ $ref }),
    ]);
    return { by: String(discriminator['propertyName']), of: Object.fromEntries(of) };
  }
  const union = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(union)) return { anyOf: items(union).map(shapeOf) };
  if (Array.isArray(type))
    return { anyOf: items(type).map((one: unknown) => shapeOf({ ...schema, type: one })) };
  if (type === 'array') return listShape(schema);
  if (type === 'object' || 'properties' in schema) return objectShape(schema);
  return typeof type === 'string' ? [type, ...scalarDetails(schema)].join(' ') : 'any';
}

function listShape(schema: JsonObject): Shape {
  const limits = details(schema, { minItems: '>=', maxItems: '<=' }).join(' ');
  const tuple = items(schema['prefixItems']).map(shapeOf);
  // A tuple of equal parts is a list of a fixed length.
  const shape = tuple[0] ?? shapeOf(schema['items']);
  return { list: shape, ...(limits && { limits }) };
}

function objectShape(schema: JsonObject): Shape {
  const properties = entries(schema['properties']);
  if (!('properties' in schema)) return { map: shapeOf(schema['additionalProperties']) };
  const defaults = properties.filter(([, property]) => at(property, 'default') !== undefined);
  return {
    fields: Object.fromEntries(properties.map(([name, property]) => [name, shapeOf(property)])),
    required: items(schema['required']).map(String).sort(),
    defaults: Object.fromEntries(defaults.map(([name, property]) => [name, at(property, 'default')])),
    closed: schema['additionalProperties'] === false,
  };
}

const NUMBER_LIMITS = { minimum: '>=', exclusiveMinimum: '>', maximum: '<=', exclusiveMaximum: '<' };
const TEXT_LIMITS = { minLength: 'length>=', maxLength: 'length<=' };

function scalarDetails(schema: JsonObject): string[] {
  const { format, pattern } = schema;
  // The format of a password only says how it is displayed.
  const shownFormat = typeof format === 'string' && format !== 'password' ? [format] : [];
  const shownPattern = typeof pattern === 'string' ? [`/${pattern}/`] : [];
  return [...shownFormat, ...details(schema, { ...NUMBER_LIMITS, ...TEXT_LIMITS }), ...shownPattern];
}

function details(schema: JsonObject, limits: Record<string, string>): string[] {
  return Object.entries(limits).flatMap(([key, sign]) => {
    const limit = schema[key];
    return typeof limit === 'number' ? [`${sign}${limit}`] : [];
  });
}

function reachable(operations: Facts['operations'], schemas: unknown): Record<string, Shape> {
  const found = new Map<string, Shape>();
  const visit = (value: unknown): void => {
    for (const [, name] of JSON.stringify(value).matchAll(/"@([^"]+)"/g)) {
      if (name === undefined || found.has(name)) continue;
      const shape = shapeOf(at(schemas, name));
      found.set(name, shape);
      visit(shape);
    }
  };
  visit(operations);
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function at(value: unknown, key: string): unknown {
  return isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function entries(value: unknown): [string, unknown][] {
  return isJsonObject(value) ? Object.entries(value) : [];
}

function items(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Whether a stored value contains facts. */
export function isFacts(value: unknown): value is Facts {
  return isJsonObject(value) && isJsonObject(value['operations']) && isJsonObject(value['schemas']);
}
