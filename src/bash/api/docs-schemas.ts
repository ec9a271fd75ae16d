import type { JsonSchema } from '../../http/index.js';

const text: JsonSchema = { type: 'string' };
const integer: JsonSchema = { type: 'integer' };
const timestamp: JsonSchema = { type: 'string', format: 'date-time' };
const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });
const object = (properties: Record<string, JsonSchema>): JsonSchema => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
});
const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

/** Schemas of the bash routes and their socket. */
export function bashSchemas(): Record<string, JsonSchema> {
  const kinds = ['BashCommand', 'BashOutput', 'BashError'];
  return {
    BashCommand: object({
      command: text,
      cwd: orNull(text),
      timeout: integer,
      id: text,
      timestamp,
      kind: { type: 'string', const: 'BashCommand' },
    }),
    BashOutput: object({
      id: text,
      timestamp,
      command_id: text,
      order: integer,
      exit_code: orNull(integer),
      stdout: orNull(text),
      stderr: orNull(text),
      kind: { type: 'string', const: 'BashOutput' },
    }),
    BashError: object({
      id: text,
      timestamp,
      code: text,
      detail: text,
      kind: { type: 'string', const: 'BashError' },
    }),
    BashEventBase: {
      oneOf: kinds.map(ref),
      discriminator: {
        propertyName: 'kind',
        mapping: Object.fromEntries(kinds.map((kind) => [kind, `#/components/schemas/${kind}`])),
      },
    },
    BashEventPage: object({
      items: { type: 'array', items: ref('BashEventBase') },
      next_page_id: orNull(text),
    }),
  };
}
