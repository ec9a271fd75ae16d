import type { JsonSchema } from '../http/index.js';
import { fileSchemas } from './files/docs-schemas.js';
import { gitSchemas } from './git/docs-schemas.js';

/** Schemas of the answers of this folder's routes. */
export function workspaceSchemas(): Record<string, JsonSchema> {
  return {
    ...fileSchemas(),
    ...gitSchemas(),
    VSCodeUrlResponse: {
      type: 'object',
      properties: { url: { anyOf: [{ type: 'string' }, { type: 'null' }] } },
      required: ['url'],
    },
    ConversationRuntimeInfo: {
      type: 'object',
      properties: {
        runtime_status: { type: 'string', enum: ['available'] },
        can_resume: { type: 'boolean' },
        runtime_error: { type: 'null' },
      },
      required: ['runtime_status', 'can_resume', 'runtime_error'],
    },
  };
}
