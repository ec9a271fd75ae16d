import type { DtoClass } from './validation/field.js';
import type { JsonSchema } from './validation/field-type.js';
import { ReadsJsonBody } from './body/request-bodies.js';

/** The name of a schema in the API document, or a schema, or a DTO class. */
export type SchemaSource = string | JsonSchema | DtoClass;

/** What the API document says of an endpoint besides what its route says. */
export interface OperationDocs {
  summary: string;
  description?: string;
  tag: string;
  query?: DtoClass;
  /** What names in the path have to look like; texts otherwise. */
  path?: Readonly<Record<string, JsonSchema>>;
  /** Optional headers that mean something to it: what for, by name. */
  headers?: Readonly<Record<string, string>>;
  /**
   * JSON unless it says otherwise; `large` ones may hold messages with images. Without one, what is sent is
   * not read.
   */
  body?: {
    schema: SchemaSource;
    required?: boolean;
    example?: unknown;
    mediaType?: string;
    large?: boolean;
  };
  /** What a success answers, by status; JSON unless it says otherwise. */
  answers: Record<number, { description: string; schema?: SchemaSource; mediaType?: string }>;
  /**
   * Statuses of the errors that are particular to it; those of the edge, of keys, bodies and ids follow from
   * the route.
   */
  errors?: readonly number[];
  /** Needs no session key. */
  open?: boolean;
  /** Not in the API document: the original does not tell of it either. */
  hidden?: boolean;
}

const documented = new WeakMap<object, OperationDocs>();

/**
 * Documents an endpoint, and has its JSON body read, if it has one. The document itself is built at its first
 * request: start-up does not pay for it.
 */
export function Operation(docs: OperationDocs): MethodDecorator {
  const { body } = docs;
  return (target, key, descriptor) => {
    if (typeof descriptor.value === 'function') documented.set(descriptor.value, docs);
    if (body !== undefined && body.mediaType === undefined) ReadsJsonBody(body)(target, key, descriptor);
  };
}

/** What was said of a handler. */
export function operationOf(handler: object): OperationDocs | undefined {
  return documented.get(handler);
}

type SchemaLoader = () => Promise<Record<string, JsonSchema>>;
const loaders: SchemaLoader[] = [];

/** Adds named schemas to the document. They are loaded when the document is built. */
export function documentSchemas(loader: SchemaLoader): void {
  loaders.push(loader);
}

/** All named schemas that features have added. */
export async function documentedSchemas(): Promise<Record<string, JsonSchema>> {
  const all = await Promise.all(loaders.map((load) => load()));
  return Object.fromEntries(all.flatMap((schemas) => Object.entries(schemas)));
}
