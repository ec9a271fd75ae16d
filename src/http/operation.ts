import type { DtoClass } from './validation/field.js';
import type { JsonSchema } from './validation/field-type.js';
import { ReadsJsonBody } from './body/request-bodies.js';

/** The name of a schema in the API document, or a schema, or a DTO class. */
export type SchemaSource = string | JsonSchema | DtoClass;

/** The id of the conversation that examples of the API document create and use. */
export const EXAMPLE_CONVERSATION = '3f2c8f0e-5a4b-4c1d-9e6f-7a8b9c0d1e2f';

/** A link of the API document: values of an answer that are parameters of another operation. */
export interface AnswerLink {
  /** The `operationId` of the other operation. */
  operationId: string;
  /** Runtime expressions such as `$response.body#/id`, by name of the parameter. */
  parameters: Readonly<Record<string, string>>;
}

/** The body of a request: JSON by default, `large` for bodies with messages. */
export interface BodyDocs {
  schema: SchemaSource;
  required?: boolean;
  /**
   * A body that a reader can send to a new server as it stands; `test/contract/body-examples.spec.ts` does.
   * Its model is a scripted one, so that no key is needed.
   */
  example: unknown;
  /** Further examples, by name. */
  otherExamples?: Readonly<Record<string, { summary: string; value: unknown }>>;
  /**
   * Examples that have to be sent before: the `operationId` of each, followed by `#` and the name for a
   * further example. In front of operations of a conversation its creation is sent anyway.
   */
  after?: readonly string[];
  /** What the example needs besides other requests, as a full sentence. */
  needs?: string;
  mediaType?: string;
  large?: boolean;
}

/** The documentation of an endpoint, besides method and path. */
export interface OperationDocs {
  summary: string;
  /** What it does, in full sentences. */
  description: string;
  tag: string;
  query?: DtoClass;
  /** Schemas of path parameters with their descriptions; `PATH_PARAMETERS` has those of several features. */
  path?: Readonly<Record<string, JsonSchema>>;
  /** Examples of parameters in the path and the query, by name, where the usual ones do not fit. */
  values?: Readonly<Record<string, string>>;
  /** Descriptions of optional request headers, by name. */
  headers?: Readonly<Record<string, string>>;
  /** Without `body`, a body that is sent is not read. */
  body?: BodyDocs;
  /** Answers on success, by status; JSON by default. */
  answers: Record<
    number,
    {
      description: string;
      schema?: SchemaSource;
      mediaType?: string;
      /** The same in other formats, by media type. */
      also?: Readonly<Record<string, SchemaSource>>;
      links?: Readonly<Record<string, AnswerLink>>;
    }
  >;
  /** Its own errors: what leads to each status. Those of keys, bodies and ids follow from the route. */
  errors?: Readonly<Record<number, string>>;
  /** Needs no session key. */
  open?: boolean;
  /** Left out of the API document, as in the original. */
  hidden?: boolean;
}

/** What leads to 404 where a conversation is named. */
export const UNKNOWN_CONVERSATION = 'No conversation has this id, or another running server owns it.';

const documented = new WeakMap<object, OperationDocs>();

/** Documents an endpoint, and has its JSON body read if it declares one. */
export function Operation(docs: OperationDocs): MethodDecorator {
  const { body } = docs;
  return (target, key, descriptor) => {
    if (typeof descriptor.value === 'function') documented.set(descriptor.value, docs);
    if (body !== undefined && body.mediaType === undefined) ReadsJsonBody(body)(target, key, descriptor);
  };
}

/** The documentation of a handler. */
export function operationOf(handler: object): OperationDocs | undefined {
  return documented.get(handler);
}

/** The name of an operation in the API document and in the audit log, without the mark of an alias. */
export function operationName(controller: { name: string }, handler: { name: string }): string {
  return `${controller.name.replace(/Controller$/, '')}_${handler.name}`;
}

type SchemaLoader = () => Promise<Record<string, JsonSchema>>;
const loaders: SchemaLoader[] = [];

/** Adds named schemas to the API document. They are loaded when the document is built. */
export function documentSchemas(loader: SchemaLoader): void {
  loaders.push(loader);
}

/** All named schemas that were added. */
export async function documentedSchemas(): Promise<Record<string, JsonSchema>> {
  const all = await Promise.all(loaders.map((load) => load()));
  return Object.fromEntries(all.flatMap((schemas) => Object.entries(schemas)));
}
