import type { ConversationInfo } from './live-conversation.js';

/** The model of the agent; empty if it is not known, as of external agents that name none. */
export function modelOf(info: ConversationInfo | null): string {
  const agent = info?.agent;
  if (agent?.kind === 'ACPAgent') return info?.current_model_id ?? agent.acp_model ?? '';
  return agent?.llm.model ?? '';
}
