import type { IncomingMessage } from 'node:http';

const named = new WeakMap<IncomingMessage, string>();

/** Says which conversation a request has created: its path does not. */
export function nameConversation(request: IncomingMessage, conversationId: string): void {
  named.set(request, conversationId);
}

/** The conversation that a request has created; undefined if there is none. */
export function namedConversation(request: IncomingMessage): string | undefined {
  return named.get(request);
}
