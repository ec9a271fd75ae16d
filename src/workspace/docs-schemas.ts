import { type JsonSchema, objectSchema } from '../http/index.js';
import { fileSchemas } from './files/docs-schemas.js';
import { gitSchemas } from './git/docs-schemas.js';

/** Schemas of the answers of this folder's routes. */
export function workspaceSchemas(): Record<string, JsonSchema> {
  return {
    ...fileSchemas(),
    ...gitSchemas(),
    VSCodeUrlResponse: objectSchema({
      url: [
        { anyOf: [{ type: 'string' }, { type: 'null' }] },
        'Address of the editor with its access token and the folder; null if the editor is not installed or does not start.',
      ],
    }),
    ConversationRuntimeInfo: objectSchema({
      runtime_status: [
        { type: 'string', enum: ['available'] },
        'State of the runtime. Always `available`: conversations run on the machine of the server.',
      ],
      can_resume: [{ type: 'boolean' }, 'Whether a run can start in this state; always true.'],
      runtime_error: [{ type: 'null' }, 'Why the runtime is not available; always null.'],
    }),
  };
}
