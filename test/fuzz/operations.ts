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

/** The operations of a document, and how to make values for its schemas. */
export function operationsOf(document: unknown): { operations: FuzzedOperation[]; values: SchemaValues } {
  if (!isJsonObject(document) || !isJsonObject(document['paths'])) throw new Error('no OpenAPI document');
  const components = isJsonObject(document['components']) ? document['components'] : {};
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: 'doc', components });
  const operations = Object.entries(document['paths']).flatMap(([path, item]) =>
    Object.entries(isJsonObject(item) ? item : {}).map(([method, operation]) =>
      toOperation(path, method.toUpperCase(), isJsonObject(operation) ? operation : {}, ajv),
    ),
  );
  return {
    operations,
    values: new SchemaValues(isJsonObject(components['schemas']) ? components['schemas'] : {}),
  };
}

function toOperation(path: string, method: string, operation: JsonObject, ajv: Ajv2020): FuzzedOperation {
  const names = (place: string): string[] =>
    list(operation['parameters']).flatMap((parameter) =>
      isJsonObject(parameter) && parameter['in'] === place ? [String(parameter['name'])] : [],
    );
  const answers = isJsonObject(operation['responses']) ? operation['responses'] : {};
  // Compiled once, because compiling the schemas of events takes longer than validating.
  const validators = new Map<number, ValidateFunction>();
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
      const validate = validators.get(status) ?? ajv.compile(absolute(schema));
      validators.set(status, validate);
      return validate(body) ? undefined : `status ${status}: ${ajv.errorsText(validate.errors)}`;
    },
  };
}

function jsonSchema(holder: unknown): unknown {
  const content = isJsonObject(holder) ? holder['content'] : undefined;
  const media = isJsonObject(content) ? content['application/json'] : undefined;
  return isJsonObject(media) ? media['schema'] : undefined;
}

/** Makes references absolute for the validator. */
function absolute(schema: unknown): JsonObject {
  const text = JSON.stringify(schema).replaceAll('"#/components/', '"doc#/components/');
  const parsed: unknown = JSON.parse(text);
  return isJsonObject(parsed) ? parsed : {};
}
