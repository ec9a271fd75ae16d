import { sessionIds } from '../processes/index.js';

const PREFIX = 'acp-';

/**
 * What all processes of the agent of a conversation carry, so that they are found after a crash of the
 * server.
 */
export function markOf(conversationId: string): string {
  return `${PREFIX}${conversationId}`;
}

/**
 * The ids of the conversations, of whatever server on this machine, whose agents run or have left something.
 */
export async function conversationsWithAgents(): Promise<Set<string>> {
  const marks = await sessionIds();
  const ours = [...marks].filter((mark) => mark.startsWith(PREFIX));
  return new Set(ours.map((mark) => mark.slice(PREFIX.length)));
}
