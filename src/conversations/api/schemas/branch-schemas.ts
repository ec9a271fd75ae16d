import type { JsonSchema } from '../../../http/index.js';

const text: JsonSchema = { type: 'string' };
const id: JsonSchema = { type: 'string', format: 'uuid' };
const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });

/** Schemas of the answers of branches and child conversations. */
export function branchSchemas(): Record<string, JsonSchema> {
  const properties = {
    conversation_id: id,
    parent_conversation_id: id,
    status: { $ref: '#/components/schemas/ConversationExecutionStatus' },
    title: orNull(text),
    url: orNull(text),
    workspace: text,
    isolation: { type: 'string', enum: ['worktree', 'shared'] },
  };
  return {
    StartChildConversationResponse: { type: 'object', properties, required: Object.keys(properties) },
  };
}
