import { type JsonSchema, objectSchema } from '../http/index.js';
import { fileSchemas } from './files/docs-schemas.js';
import { gitSchemas } from './git/docs-schemas.js';
import { searchSchemas } from './search/docs-schemas.js';

/** Schemas of the answers of this folder's routes. */
export function workspaceSchemas(): Record<string, JsonSchema> {
  return {
    ...fileSchemas(),
    ...gitSchemas(),
    ...searchSchemas(),
    VSCodeUrlResponse: objectSchema({
      url: [
        { anyOf: [{ type: 'string' }, { type: 'null' }] },
        'Address of the editor with its access token and the folder; null if the editor is not installed or does not start.',
      ],
    }),
    ConversationRuntimeInfo: objectSchema({
      runtime_status: [
        { type: 'string', enum: ['available', 'missing'] },
        'State of the runtime. `missing`: the workspace is on another host than the server that has the conversation.',
      ],
      can_resume: [{ type: 'boolean' }, 'Whether a run can start in this state.'],
      runtime_error: [
        {
          anyOf: [
            objectSchema({
              code: [{ type: 'string' }, 'Kind of the error, for programs.'],
              message: [{ type: 'string' }, 'What went wrong, for people.'],
            }),
            { type: 'null' },
          ],
        },
        'Why the runtime is not available.',
      ],
      'workspace_host?': [
        { anyOf: [{ type: 'string' }, { type: 'null' }] },
        'Name of the host that has the workspace; null: not known. Only of servers that share a database.',
      ],
      'server?': [
        {
          anyOf: [
            objectSchema({
              id: [{ type: 'string' }, 'Id of the server.'],
              url: [
                { anyOf: [{ type: 'string' }, { type: 'null' }] },
                'Where the other servers reach it; null if they cannot.',
              ],
            }),
            { type: 'null' },
          ],
        },
        'The server that has the conversation; null: none at the moment. Only of servers that share a database.',
      ],
    }),
  };
}
