import { sessionIds } from '../../processes/index.js';

const PREFIX = 'acp-';

/**
 * The mark of all processes of a conversation's agent, so that they can be found after a crash of the server.
 */
export function processMark(conversationId: string): string {
  return `${PREFIX}${conversationId}`;
}

/** The ids of conversations, of any server on this machine, with running or leftover agent processes. */
export async function conversationsWithAcpProcesses(): Promise<Set<string>> {
  const marks = await sessionIds();
  const ours = [...marks].filter((mark) => mark.startsWith(PREFIX));
  return new Set(ours.map((mark) => mark.slice(PREFIX.length)));
}
