import { isJsonObject, type JsonObject } from '../../src/json/index.js';
import { apiDocument } from '../support/api-document.js';

/** Something that has to have a description. */
interface Described {
  /** Where it is in the document. */
  place: string;
  name: string;
  description: unknown;
}

/** Everything in an API document that has to have a description. */
function* describedParts(document: JsonObject): Generator<Described> {
  const { components, paths } = document;
  const schemas = isJsonObject(components) ? objectsIn(components['schemas']) : [];
  for (const [name, schema] of schemas) yield* fieldsIn(schema, name);
  for (const [path, item] of objectsIn(paths)) {
    for (const [method, operation] of objectsIn(item)) {
      yield* partsOf(operation, `${method.toUpperCase()} ${path}`);
    }
  }
}

function* partsOf(operation: JsonObject, place: string): Generator<Described> {
  const { operationId, description, parameters, responses, requestBody } = operation;
  yield { place, name: String(operationId), description };
  for (const parameter of Array.isArray(parameters) ? parameters.filter(isJsonObject) : []) {
    const name = String(parameter['name']);
    yield {
      place: `${place} ${String(parameter['in'])} ${name}`,
      name,
      description: parameter['description'],
    };
    yield* fieldsIn(parameter['schema'], `${place} ${name}`);
  }
  for (const [status, answer] of objectsIn(responses)) {
    yield { place: `${place} ${status}`, name: status, description: answer['description'] };
    for (const [name, header] of objectsIn(answer['headers'])) {
      yield { place: `${place} ${status} ${name}`, name, description: header['description'] };
    }
    for (const [, media] of objectsIn(answer['content']))
      yield* fieldsIn(media['schema'], `${place} ${status}`);
  }
  const content = isJsonObject(requestBody) ? requestBody['content'] : undefined;
  for (const [, media] of objectsIn(content)) yield* fieldsIn(media['schema'], `${place} body`);
}

/** The fields of a schema and of the schemas inside it. Referenced schemas are components. */
function* fieldsIn(schema: unknown, place: string): Generator<Described> {
  if (!isJsonObject(schema)) return;
  for (const [name, field] of objectsIn(schema['properties'])) {
    yield { place: `${place}.${name}`, name, description: field['description'] };
    yield* fieldsIn(field, `${place}.${name}`);
  }
  for (const inner of ['items', 'additionalProperties', 'not']) yield* fieldsIn(schema[inner], place);
  for (const union of ['anyOf', 'oneOf', 'allOf']) {
    const members = schema[union];
    for (const member of Array.isArray(members) ? members : []) yield* fieldsIn(member, place);
  }
}

function objectsIn(value: unknown): [string, JsonObject][] {
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, entry]) => (isJsonObject(entry) ? [[key, entry]] : []));
}

/** Shorter descriptions say nothing (characters). */
const MIN_LENGTH = 12;
const FILLERS = new Set(['a', 'an', 'the', 'this', 'of', 'its', 'value', 'field']);

const isMissing = ({ description }: Described): boolean =>
  typeof description !== 'string' || description === '';

/** Whether a description is too short, or has no words but those of the name. */
function isEmptyPhrase({ name, description }: Described): boolean {
  if (typeof description !== 'string') return false;
  if (description.trim().length < MIN_LENGTH) return true;
  const known = new Set(wordsOf(name));
  return wordsOf(description).every((word) => known.has(word) || FILLERS.has(word));
}

function wordsOf(text: string): string[] {
  return text
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
}

const placesOf = (parts: readonly Described[]): string[] => parts.map(({ place }) => place);

describe('the descriptions of the API document', () => {
  const parts = [...describedParts(apiDocument())];

  it('exist for every operation, parameter, answer and field', () => {
    expect(parts.length).toBeGreaterThan(4000);
    expect(placesOf(parts.filter(isMissing))).toEqual([]);
  });

  it('are more than empty phrases', () => {
    expect(placesOf(parts.filter(isEmptyPhrase))).toEqual([]);
  });
});

describe('the check of descriptions', () => {
  const document = {
    components: {
      schemas: {
        Secret: {
          properties: {
            secret_name: { description: 'The secret name.' },
            value: { anyOf: [{ properties: { inner: {} } }], description: 'Short.' },
            id: { description: 'Id of the secret, a UUID.' },
          },
        },
      },
    },
    paths: {
      '/secrets': {
        get: {
          parameters: [{ in: 'query', name: 'limit' }],
          responses: { 200: { description: 'All stored secrets.', headers: { Age: {} } } },
          requestBody: { content: { 'application/json': { schema: { items: { properties: { a: {} } } } } } },
        },
      },
    },
  };

  it('finds operations, parameters, headers and fields without one, at any depth', () => {
    expect(placesOf([...describedParts(document)].filter(isMissing))).toEqual([
      'Secret.value.inner',
      'GET /secrets',
      'GET /secrets query limit',
      'GET /secrets 200 Age',
      'GET /secrets body.a',
    ]);
  });

  it('finds those that are short or only repeat the name', () => {
    expect(placesOf([...describedParts(document)].filter(isEmptyPhrase))).toEqual([
      'Secret.secret_name',
      'Secret.value',
    ]);
  });
});
