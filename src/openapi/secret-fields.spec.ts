import { Edge } from '../../test/support/http-edge.js';
import { Cipher, encryptSecrets } from '../crypto/index.js';
import { isJsonObject } from '../json/index.js';

type Schema = Record<string, unknown>;

const MARK = 'a secret';
/** Fields that have names like secrets but are not, with the reason. */
const NOT_SECRET: Readonly<Record<string, string>> = {
  max_input_tokens: 'a number',
  max_output_tokens: 'a number',
  input_cost_per_token: 'a price',
  output_cost_per_token: 'a price',
  custom_tokenizer: 'the name of a model',
  tokenizer_name: 'the name of a model',
  aws_session_name: 'a name',
  secret_name: 'the name of a secret',
  secrets_encrypted: 'true or false',
};
const SOUNDS_SECRET = /key|token|secret|password|credential|authorization|cookie/i;

/** Generates, for every secret field of a request, a request with a secret only there. */
class SecretPlaces {
  constructor(private readonly schemas: Readonly<Record<string, unknown>>) {}

  *in(schema: unknown, name: string, refs: readonly string[] = []): Generator {
    if (!isJsonObject(schema)) return;
    const reference =
      typeof schema['$ref'] === 'string' ? String(schema['$ref'].split('/').at(-1)) : undefined;
    if (reference !== undefined) {
      // Schemas can reference themselves; one level is enough.
      if (!refs.includes(reference)) yield* this.in(this.schemas[reference], name, [...refs, reference]);
      return;
    }
    if (isSecretText(schema, name)) yield MARK;
    for (const union of ['anyOf', 'oneOf', 'allOf']) {
      for (const member of list(schema[union])) yield* this.in(member, name, refs);
    }
    for (const item of this.in(schema['items'], name, refs)) yield [item];
    yield* this.inObject(schema, name, refs);
  }

  private *inObject(schema: Schema, name: string, refs: readonly string[]): Generator {
    const properties = isJsonObject(schema['properties']) ? schema['properties'] : {};
    const kind = isJsonObject(properties['kind']) ? properties['kind']['const'] : undefined;
    for (const [property, inner] of Object.entries(properties)) {
      for (const value of this.in(inner, property, refs))
        yield { ...(kind !== undefined && { kind }), [property]: value };
    }
    const others = schema['additionalProperties'];
    if (/^(extra_)?headers$/.test(name) && isJsonObject(others)) yield { Authorization: MARK };
    else for (const value of this.in(others, '', refs)) yield { ANY_NAME: value };
  }
}

/** Whether a field is declared as a secret or has the name of one. */
function isSecretText(schema: Schema, name: string): boolean {
  if (schema['format'] === 'password') return true;
  return schema['type'] === 'string' && schema['const'] === undefined && schema['enum'] === undefined
    ? SOUNDS_SECRET.test(name) && !(name in NOT_SECRET)
    : false;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The schemas of all request bodies, by route. */
function bodiesOf(paths: unknown): Map<string, unknown> {
  const bodies = new Map<string, unknown>();
  for (const [route, operations] of Object.entries(isJsonObject(paths) ? paths : {})) {
    for (const [method, operation] of Object.entries(isJsonObject(operations) ? operations : {})) {
      const body = isJsonObject(operation) ? operation['requestBody'] : undefined;
      const content = isJsonObject(body) ? body['content'] : undefined;
      const json = isJsonObject(content) ? content['application/json'] : undefined;
      if (isJsonObject(json)) bodies.set(`${method} ${route}`, json['schema']);
    }
  }
  return bodies;
}

describe('every secret field of every request body', () => {
  let bodies: Map<string, unknown>;
  let places: SecretPlaces;

  beforeAll(async () => {
    const edge = await Edge.start();
    const { body } = await edge.get('/openapi.json');
    await edge.close();
    const document = isJsonObject(body) ? body : {};
    const components = isJsonObject(document['components']) ? document['components']['schemas'] : undefined;
    places = new SecretPlaces(isJsonObject(components) ? components : {});
    bodies = bodiesOf(document['paths']);
  });

  it('is encrypted by encryptSecrets', () => {
    const cipher = new Cipher('key');
    const missed: string[] = [];
    for (const [route, schema] of bodies) {
      for (const request of places.in(schema, '')) {
        const stored = JSON.stringify(encryptSecrets({ request }, cipher));
        if (stored.includes(MARK)) missed.push(`${route}: ${stored}`);
      }
    }
    expect(missed).toEqual([]);
  });

  it('is covered by these tests', () => {
    const start = [...places.in(bodies.get('post /api/conversations'), '')].map((request) =>
      JSON.stringify(request),
    );
    for (const field of [
      'api_key',
      'aws_secret_access_key',
      'value',
      'extra_headers',
      'headers',
      'secrets',
    ]) {
      expect(start.filter((request) => request.includes(`"${field}"`))).not.toEqual([]);
    }
  });
});
