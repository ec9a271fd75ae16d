import type { Request as HttpRequest } from 'express';
import { CONVERSATION_PARAMETERS } from '../../auth/index.js';
import { parseUuid } from '../validation/uuid.js';

/** Names the conversation of requests in OpenAI's format, below `/v1`. */
const HEADER = 'x-openhands-serverconversation-id';

/** A request with the placeholders of its path. */
type NamingRequest = Pick<HttpRequest, 'params' | 'path' | 'headers'>;

/** The conversation that a request belongs to; undefined if there is none, or its id is invalid. */
export function conversationIn(request: NamingRequest): string | undefined {
  const [first] = named(request);
  return first === undefined ? undefined : idIn(first);
}

/** All conversations that a request names, with the one that it belongs to; those with a valid id. */
export function conversationsIn(request: NamingRequest): string[] {
  return named(request).flatMap((given) => idIn(given) ?? []);
}

/** What a request names conversations with; the first one is that which it belongs to. */
function named({ params, path, headers }: NamingRequest): unknown[] {
  const header = path.startsWith('/v1/') ? headers[HEADER] : undefined;
  return [...CONVERSATION_PARAMETERS.map((name) => params[name]), header].filter(
    (given) => given !== undefined,
  );
}

function idIn(given: unknown): string | undefined {
  const parsed = parseUuid(String(given));
  return 'id' in parsed ? parsed.id : undefined;
}
