import type { DtoClass } from './validation/field.js';
import type { JsonSchema } from './validation/field-type.js';
import { ReadsJsonBody } from './body/request-bodies.js';

/** The name of a schema in the API document, or a schema, or a DTO class. */
export type SchemaSource = string | JsonSchema | DtoClass;

/** The documentation of an endpoint, besides method and path. */
export interface OperationDocs {
  summary: string;
  /** What it does, in full sentences. */
  description: string;
  tag: string;
  query?: DtoClass;
  /** Schemas of path parameters with their descriptions; `PATH_PARAMETERS` has those of several features. */
  path?: Readonly<Record<string, JsonSchema>>;
  /** Descriptions of optional request headers, by name. */
  headers?: Readonly<Record<string, string>>;
  /** JSON by default; `large` for bodies with messages. Without `body`, a body that is sent is not read. */
  body?: {
    schema: SchemaSource;
    required?: boolean;
    example?: unknown;
    mediaType?: string;
    large?: boolean;
  };
  /** Answers on success, by status; JSON by default. */
  answers: Record<number, { description: string; schema?: SchemaSource; mediaType?: string }>;
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
