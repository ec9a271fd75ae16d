import { type JsonSchema, objectSchema } from '../../http/index.js';

const text: JsonSchema = { type: 'string' };
const integer: JsonSchema = { type: 'integer' };
const timestamp: JsonSchema = { type: 'string', format: 'date-time' };
const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });
const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

const COMMAND_ID = 'Id of the command: 32 hexadecimal digits.';
const TIME = 'Time of the event in UTC, with microseconds.';

/** Schemas of the bash routes and their socket. */
export function bashSchemas(): Record<string, JsonSchema> {
  const kinds = ['BashCommand', 'BashOutput', 'BashError'];
  return {
    BashCommand: objectSchema({
      command: [text, 'The command, run by `/bin/sh -c`.'],
      cwd: [orNull(text), 'Working directory of the command; null: the default one.'],
      timeout: [integer, 'Time limit in seconds, after which the command is stopped.'],
      id: [text, COMMAND_ID],
      timestamp: [timestamp, TIME],
      kind: [{ type: 'string', const: 'BashCommand' }, 'Marks the start of a command.'],
    }),
    BashOutput: objectSchema({
      id: [text, 'Id of this output: 32 hexadecimal digits.'],
      timestamp: [timestamp, TIME],
      command_id: [text, COMMAND_ID],
      order: [integer, 'Number of the output within its command, from 0.'],
      exit_code: [
        orNull(integer),
        'Exit code of the command in its last output, null before. Negative: the signal that ended it; ' +
          '-1 also after a timeout, and if the command could not be started.',
      ],
      stdout: [
        orNull(text),
        'What the command wrote to standard output since the previous output; null: nothing.',
      ],
      stderr: [
        orNull(text),
        'What the command wrote to standard error since the previous output; null: nothing.',
      ],
      kind: [{ type: 'string', const: 'BashOutput' }, 'Marks a piece of output or the end of a command.'],
    }),
    BashError: objectSchema({
      id: [text, 'Id of this error: 32 hexadecimal digits.'],
      timestamp: [timestamp, TIME],
      code: [text, 'Kind of the error, for programs, such as `JSONDecodeError` or `ValueError`.'],
      detail: [text, 'What is wrong with the frame, for people.'],
      kind: [
        { type: 'string', const: 'BashError' },
        'Marks the answer to a frame of a socket that could not be served. Never stored.',
      ],
    }),
    BashEventBase: {
      oneOf: kinds.map(ref),
      discriminator: {
        propertyName: 'kind',
        mapping: Object.fromEntries(kinds.map((kind) => [kind, `#/components/schemas/${kind}`])),
      },
    },
    BashEventPage: objectSchema({
      items: [{ type: 'array', items: ref('BashEventBase') }, 'Commands and outputs in the requested order.'],
      next_page_id: [orNull(text), '`page_id` of the next page; null on the last one.'],
    }),
  };
}
