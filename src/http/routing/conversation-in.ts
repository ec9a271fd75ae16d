import type { Request as HttpRequest } from 'express';
import { parseUuid } from '../validation/uuid.js';

/** Parameters of paths that name the conversation; the first one that a path has counts. */
export const CONVERSATION_PARAMETERS: readonly string[] = ['conversation_id', 'runtime_conversation_id'];
/** Names the conversation of requests in OpenAI's format, below `/v1`. */
const HEADER = 'x-openhands-serverconversation-id';

/** The conversation that a request belongs to; undefined if there is none, or its id is invalid. */
export function conversationIn(
  request: Pick<HttpRequest, 'params' | 'path' | 'headers'>,
): string | undefined {
  const named = CONVERSATION_PARAMETERS.map((name) => request.params[name]).find(
    (value) => value !== undefined,
  );
  const given = named ?? (request.path.startsWith('/v1/') ? request.headers[HEADER] : undefined);
  const parsed = parseUuid(String(given ?? ''));
  return 'id' in parsed ? parsed.id : undefined;
}
