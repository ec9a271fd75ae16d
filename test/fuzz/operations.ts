import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { isJsonObject, type JsonObject } from '../../src/json/index.js';
import { list, SchemaValues } from './schema-values.js';

/** One operation of an OpenAPI document, as the fuzz tests use it. */
export interface FuzzedOperation {
  name: string;
  method: string;
  path: string;
  pathNames: string[];
  queryNames: string[];
  headerNames: string[];
  /** Undefined when it takes none. */
  body: unknown;
  /** How an answer violates the document: an undeclared status, or a body of another shape. */
  complaint(status: number, body: unknown): string | undefined;
}

/** How a body violates a schema of the document; undefined if it does not. */
type Violation = (schema: unknown, body: unknown) => string | undefined;

/** The operations of a document, and how to make values for its schemas. */
export function operationsOf(document: unknown): { operations: FuzzedOperation[]; values: SchemaValues } {
  if (!isJsonObject(document) || !isJsonObject(document['paths'])) throw new Error('no OpenAPI document');
  const components = isJsonObject(document['components']) ? document['components'] : {};
  const schemas = isJsonObject(components['schemas']) ? components['schemas'] : {};
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  // One by one: parts of one large schema would be compiled anew for each answer that refers to them.
  for (const [name, schema] of Object.entries(schemas)) ajv.addSchema(absolute(schema), SCHEMAS + name);
  // Most answers have one of a few schemas, and compiling one takes longer than validating with it.
  const validators = new Map<string, ValidateFunction>();
  const violation: Violation = (schema, body) => {
    const text = JSON.stringify(schema);
    const validate = validators.get(text) ?? ajv.compile(absolute(schema));
    validators.set(text, validate);
    return validate(body) ? undefined : ajv.errorsText(validate.errors);
  };
  const operations = Object.entries(document['paths']).flatMap(([path, item]) =>
    Object.entries(isJsonObject(item) ? item : {}).map(([method, operation]) =>
      toOperation(path, method.toUpperCase(), isJsonObject(operation) ? operation : {}, violation),
    ),
  );
  return {
    operations,
    values: new SchemaValues(schemas),
  };
}

function toOperation(
  path: string,
  method: string,
  operation: JsonObject,
  violation: Violation,
): FuzzedOperation {
  const names = (place: string): string[] =>
    list(operation['parameters']).flatMap((parameter) =>
      isJsonObject(parameter) && parameter['in'] === place ? [String(parameter['name'])] : [],
    );
  const answers = isJsonObject(operation['responses']) ? operation['responses'] : {};
  return {
    name: `${method} ${path}`,
    method,
    path,
    pathNames: names('path'),
    queryNames: names('query'),
    headerNames: names('header'),
    body: jsonSchema(operation['requestBody']),
    complaint: (status, body) => {
      const answer = answers[String(status)];
      if (answer === undefined) return `status ${status} is not declared`;
      const schema = jsonSchema(answer);
      if (schema === undefined) return undefined;
      const errors = violation(schema, body);
      return errors === undefined ? undefined : `status ${status}: ${errors}`;
    },
  };
}

function jsonSchema(holder: unknown): unknown {
  const content = isJsonObject(holder) ? holder['content'] : undefined;
  const media = isJsonObject(content) ? content['application/json'] : undefined;
  return isJsonObject(media) ? media['schema'] : undefined;
}

/** Where the validator has the schemas of the document. */
const SCHEMAS = 'http://document/schemas/';

/** Makes references absolute for the validator. */
function absolute(schema: unknown): JsonObject {
  const text = JSON.stringify(schema).replaceAll('"#/components/schemas/', `"${SCHEMAS}`);
  const parsed: unknown = JSON.parse(text);
  return isJsonObject(parsed) ? parsed : {};
}
