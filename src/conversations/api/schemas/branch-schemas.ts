import { type JsonSchema, objectSchema } from '../../../http/index.js';

const text: JsonSchema = { type: 'string' };
const id: JsonSchema = { type: 'string', format: 'uuid' };
const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });

/** Schemas of the answers of branches and child conversations. */
export function branchSchemas(): Record<string, JsonSchema> {
  return {
    StartChildConversationResponse: objectSchema({
      conversation_id: [id, 'Id of the child.'],
      parent_conversation_id: [id, 'Id of the conversation that the request names.'],
      status: [
        { $ref: '#/components/schemas/ConversationExecutionStatus' },
        'Status of the child: `idle` until its first step begins.',
      ],
      title: [orNull(text), 'Title of the child; null: none yet.'],
      url: [orNull(text), 'Address of the child in a user interface; always null.'],
      workspace: [text, 'Absolute path of the folder in which the child works.'],
      isolation: [
        { type: 'string', enum: ['worktree', 'shared'] },
        '`worktree`: a git worktree of its own; `shared`: the workspace of its parent.',
      ],
    }),
  };
}
