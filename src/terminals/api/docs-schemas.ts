import { type JsonSchema, objectSchema } from '../../http/index.js';

const text: JsonSchema = { type: 'string' };
const integer: JsonSchema = { type: 'integer' };
const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });
const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

/** Schemas of the terminals. */
export function terminalSchemas(): Record<string, JsonSchema> {
  return {
    TerminalViewer: objectSchema({
      name: [text, 'Name of the key of the viewer.'],
      can_type: [{ type: 'boolean' }, 'Whether the viewer may type.'],
    }),
    Terminal: objectSchema({
      id: [{ type: 'string', format: 'uuid' }, 'Id of the terminal.'],
      conversation_id: [orNull(text), 'The conversation that it belongs to; null: it is one of the server.'],
      agent: [{ type: 'boolean' }, 'Whether it is the terminal of the agent of the conversation.'],
      title: [orNull(text), 'Its name for people; null: none.'],
      rows: [integer, 'Height in lines.'],
      cols: [integer, 'Width in characters.'],
      shell: [text, 'The program that was started.'],
      cwd: [text, 'The folder in which it was started.'],
      status: [{ type: 'string', enum: ['running', 'ended'] }, 'Whether its shell runs.'],
      exit_code: [orNull(integer), 'Exit code of the shell; null before its end, and if it is not known.'],
      end_reason: [
        orNull({
          type: 'string',
          enum: [
            'exit',
            'closed',
            'idle',
            'key_ended',
            'conversation_deleted',
            'conversation_closed',
            'shutdown',
          ],
        }),
        'Why it has ended (`exit`: the shell by itself); null before its end.',
      ],
      created_at: [{ type: 'string', format: 'date-time' }, 'When it was opened (UTC).'],
      created_by: [orNull(text), 'Name of the key that has opened it; null: an agent.'],
      output: [
        objectSchema({
          start: [integer, 'Offset of the oldest byte that is kept.'],
          end: [integer, 'Offset after the newest byte.'],
        }),
        'Which part of its output is kept. Offsets count all bytes since its start.',
      ],
      viewers: [{ type: 'array', items: ref('TerminalViewer') }, 'Who is connected with it.'],
      taken_over_by: [
        orNull(text),
        'Name of the key that has taken over the terminal of an agent; null: nobody has.',
      ],
      socket: [text, 'Path and query of its WebSocket.'],
    }),
    TerminalList: objectSchema({
      items: [{ type: 'array', items: ref('Terminal') }, 'The terminals of each server, oldest first.'],
      missing_servers: [integer, 'Number of servers whose terminals are missing: they did not answer.'],
    }),
  };
}
