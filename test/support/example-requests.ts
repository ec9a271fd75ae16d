import { asText, isJsonObject, type JsonObject } from '../../src/json/index.js';
import { rawRequest } from './raw-request.js';
import type { ServerProcess } from './server-process.js';

/** The answer to an example. */
export interface Answer {
  status: number;
  body: unknown;
}
/** Prepares what an example needs, and returns its body with what only a reader can know. */
export type PrepareBody = (body: unknown, sent: SentExamples) => unknown;

interface Operation {
  id: string;
  method: string;
  path: string;
  description: JsonObject;
}

interface Example {
  operation: Operation;
  value: unknown;
  mediaType: string;
  schema: unknown;
  /** Examples that are sent before. */
  after: string[];
}

/** The examples of request bodies in an API document, by `operationId` or `operationId#name`. */
export class ExampleRequests {
  /** Operations that are no aliases: those have the same handlers. */
  readonly operations: ReadonlyMap<string, Operation>;

  constructor(document: unknown) {
    const paths = isJsonObject(document) ? entries(document['paths']) : [];
    const all = paths.flatMap(([path, item]) =>
      entries(item).map(([method, operation]): Operation => {
        const description = isJsonObject(operation) ? operation : {};
        return { id: String(description['operationId']), method: method.toUpperCase(), path, description };
      }),
    );
    const main = all.filter(({ description }) => !('x-alias-of' in description));
    this.operations = new Map(main.map((operation) => [operation.id, operation]));
  }

  /** Operations with a body that has no example. */
  get missing(): string[] {
    return this.withBody.filter(({ id }) => this.namesOf(id).length === 0).map(({ id }) => id);
  }

  /** Operations with examples, and the examples of each. */
  get all(): [string, string[]][] {
    return this.withBody.map(({ id }) => [id, this.namesOf(id)]);
  }

  /** Examples that need something besides other requests. */
  get needing(): string[] {
    return this.withBody
      .filter(({ description }) => bodyOf(description)['x-example-needs'] !== undefined)
      .map(({ id }) => id);
  }

  /** An operation and one of its examples. @throws Error if it does not exist */
  find(reference: string): Example {
    const [id = '', name = 'default'] = reference.split('#');
    const operation = this.operations.get(id);
    const [mediaType, media] = this.mediaOf(id);
    const named = isJsonObject(media['examples']) ? media['examples'][name] : undefined;
    const value = isJsonObject(named) ? named['value'] : media['example'];
    if (operation === undefined || value === undefined) throw new Error(`no example ${reference}`);
    const after = bodyOf(operation.description)['x-example-after'];
    return {
      ...{ operation, value, mediaType, schema: media['schema'] },
      after: Array.isArray(after) ? after.map(String) : [],
    };
  }

  private get withBody(): Operation[] {
    return [...this.operations.values()].filter(({ description }) => 'requestBody' in description);
  }

  private namesOf(id: string): string[] {
    const [, media] = this.mediaOf(id);
    const others = entries(media['examples']).map(([name]) => (name === 'default' ? id : `${id}#${name}`));
    return 'example' in media ? [id] : others;
  }

  private mediaOf(id: string): [string, JsonObject] {
    const [type = '', media] = entries(bodyOf(this.operations.get(id)?.description)['content'])[0] ?? [];
    return [type, isJsonObject(media) ? media : {}];
  }
}

/** Sends examples to one server, each after those that it follows. */
export class SentExamples {
  private readonly answers = new Map<string, Answer>();
  /** Values for the parameters of operations, by id and name. */
  private readonly values = new Map<string, string>();
  /** Further headers of operations, by id. */
  private readonly headers = new Map<string, Record<string, string>>();

  constructor(
    private readonly examples: ExampleRequests,
    readonly server: ServerProcess,
    private readonly preparations: Readonly<Record<string, PrepareBody>>,
  ) {}

  /** Replaces the example of a parameter. */
  setParameter(id: string, name: string, value: string): void {
    this.values.set(`${id} ${name}`, value);
  }

  /** Adds headers to the example of an operation. */
  setHeaders(id: string, headers: Record<string, string>): void {
    this.headers.set(id, headers);
  }

  /** The body of the answer to an example that was sent. */
  readonly answerTo = (reference: string): JsonObject => {
    const body = this.answers.get(reference)?.body;
    return isJsonObject(body) ? body : {};
  };

  /**
   * Sends an example once.
   * @throws Error if one that it follows is not answered with a documented success
   */
  async send(reference: string): Promise<Answer> {
    const known = this.answers.get(reference);
    if (known) return known;
    const { operation, value, mediaType, after } = this.examples.find(reference);
    for (const other of after) {
      const answer = await this.send(other);
      if (!isDocumentedSuccess(this.examples.find(other).operation.description, answer.status))
        throw new Error(`${other}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    const prepare = this.preparations[operation.id];
    const body = prepare === undefined ? value : await prepare(value, this);
    const route = this.routeOf(operation);
    const headers = this.headers.get(operation.id) ?? {};
    const answer = await send(this.server.url, operation.method, route, mediaType, body, headers);
    this.answers.set(reference, answer);
    this.follow(operation.description, answer);
    return answer;
  }

  /** The path and query of an operation with the values of its examples and of links. */
  private routeOf({ id, path, description }: Operation): string {
    const query = new URLSearchParams();
    let route = path;
    for (const parameter of list(description['parameters'])) {
      const name = String(parameter['name']);
      const value = this.values.get(`${id} ${name}`) ?? asText(parameter['example']);
      if (value === null && parameter['required'] !== true) continue;
      if (value === null) throw new Error(`${id}: the parameter ${name} has no example and no link`);
      if (parameter['in'] === 'path') route = route.replace(`{${name}}`, encodeURIComponent(value));
      else query.set(name, value);
    }
    return query.size === 0 ? route : `${route}?${query.toString()}`;
  }

  /** Keeps what the links of an answer pass on to other operations. */
  private follow({ responses }: JsonObject, { status, body }: Answer): void {
    const answer = isJsonObject(responses) ? responses[String(status)] : undefined;
    for (const [, link] of entries(isJsonObject(answer) ? answer['links'] : undefined)) {
      if (!isJsonObject(link)) continue;
      for (const [name, expression] of entries(link['parameters'])) {
        const field = /^\$response\.body#\/(\w+)$/.exec(String(expression))?.[1] ?? '';
        const value = isJsonObject(body) ? asText(body[field]) : null;
        if (value !== null) this.setParameter(String(link['operationId']), name, value);
      }
    }
  }
}

/** Whether a status is a success that an operation documents. */
export function isDocumentedSuccess({ responses }: JsonObject, status: number): boolean {
  return status >= 200 && status < 300 && isJsonObject(responses) && String(status) in responses;
}

/** Sends a body, also with GET, which `fetch` refuses. */
async function send(
  url: string,
  method: string,
  path: string,
  mediaType: string,
  body: unknown,
  further: Record<string, string>,
) {
  const encoded = new Response(mediaType === 'application/json' ? JSON.stringify(body) : formOf(body));
  const bytes = Buffer.from(await encoded.arrayBuffer());
  const type = mediaType === 'application/json' ? mediaType : (encoded.headers.get('content-type') ?? '');
  const headers = { ...further, 'content-type': type, 'content-length': String(bytes.length) };
  const { status, text } = await rawRequest(url, { method, path, headers, body: bytes });
  const isJson = /^[[{"\dtfn]/.test(text);
  return { status, body: isJson ? (JSON.parse(text) as unknown) : text };
}

function formOf(fields: unknown): FormData {
  const form = new FormData();
  for (const [name, value] of entries(fields))
    form.append(name, value instanceof Blob ? value : new Blob([String(value)]), name);
  return form;
}

function bodyOf(description: JsonObject | undefined): JsonObject {
  const body = description?.['requestBody'];
  return isJsonObject(body) ? body : {};
}

function entries(value: unknown): [string, unknown][] {
  return isJsonObject(value) ? Object.entries(value) : [];
}

function list(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
