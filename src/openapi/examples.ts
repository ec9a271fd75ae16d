import { type BodyDocs, EXAMPLE_CONVERSATION, type JsonSchema, type OperationDocs } from '../http/index.js';

/** The operation that creates the conversation of the examples. */
const CREATE_CONVERSATION = 'Conversations_create';

/**
 * Examples of parameters in paths, by name. They are what the examples of bodies create, so that a reader can
 * send one request after another without filling in anything.
 */
const PARAMETERS: Readonly<Record<string, string>> = {
  conversation_id: EXAMPLE_CONVERSATION,
  runtime_conversation_id: EXAMPLE_CONVERSATION,
  name: 'demo',
  settings_key: 'clock',
  skill_name: 'greeting',
  plugin_name: 'greetings',
  extension_name: 'hello',
};

/** The example of a parameter in a path, if there is one. @param values of this operation */
export function parameterExample(name: string, values: OperationDocs['values']): JsonSchema {
  const example = values?.[name] ?? PARAMETERS[name];
  return example === undefined ? {} : { example };
}

/** The examples of a body as fields of its media type. */
export function bodyExamples({ example, otherExamples }: BodyDocs): JsonSchema {
  if (otherExamples === undefined) return { example };
  return { examples: { default: { summary: 'The usual request', value: example }, ...otherExamples } };
}

/** What has to be there before the example of a body is sent: in words, and for programs. */
export function bodyNotes({ needs }: BodyDocs, after: readonly Prerequisite[]): JsonSchema {
  const sentences = [
    ...(needs === undefined ? [] : [needs]),
    ...(after.length === 0
      ? []
      : [`Send the example of ${after.map(({ text }) => text).join(', then of ')} first.`]),
  ];
  return {
    ...(sentences.length > 0 && { description: sentences.join(' ') }),
    ...(needs !== undefined && { 'x-example-needs': needs }),
    ...(after.length > 0 && { 'x-example-after': after.map(({ reference }) => reference) }),
  };
}

interface Endpoint {
  name: string;
  method: string;
  path: string;
  docs: OperationDocs;
}

/** An example that is sent before another one. */
export interface Prerequisite {
  /** As in `BodyDocs.after`. */
  reference: string;
  /** For readers. */
  text: string;
}

/** Finds which examples have to be sent before that of an operation. */
export class Prerequisites {
  private readonly endpoints: ReadonlyMap<string, Endpoint>;

  constructor(endpoints: readonly Endpoint[]) {
    this.endpoints = new Map(endpoints.map((endpoint) => [endpoint.name, endpoint]));
  }

  /** @throws Error for a reference to an example that does not exist */
  of({ path, docs }: Endpoint): Prerequisite[] {
    const after = docs.body?.after ?? [];
    const isInConversation = /\{(runtime_)?conversation_id\}/.test(path);
    const isCreated = after.some((reference) => reference.split('#')[0] === CREATE_CONVERSATION);
    const all = isInConversation && !isCreated ? [CREATE_CONVERSATION, ...after] : after;
    return all.map((reference) => this.find(reference));
  }

  private find(reference: string): Prerequisite {
    const [id = '', name] = reference.split('#');
    const endpoint = this.endpoints.get(id);
    const body = endpoint?.docs.body;
    const isThere = name === undefined ? body !== undefined : body?.otherExamples?.[name] !== undefined;
    if (endpoint === undefined || !isThere) throw new Error(`There is no example ${reference}`);
    const text = `\`${endpoint.method.toUpperCase()} ${endpoint.path}\``;
    return { reference, text: name === undefined ? text : `${text} (\`${name}\`)` };
  }
}
