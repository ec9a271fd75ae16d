import type { JsonSchema } from '../http/index.js';

const id: JsonSchema = { type: 'string', format: 'uuid' };

/** Path parameters that mean the same in all routes. Others are described by the operation. */
export const PATH_PARAMETERS: Readonly<Record<string, JsonSchema>> = {
  conversation_id: { ...id, description: 'Id of the conversation: a UUID, with or without dashes.' },
  runtime_conversation_id: {
    ...id,
    description:
      'Id of the conversation in whose workspace the operation works: a UUID, with or without dashes.',
  },
};
