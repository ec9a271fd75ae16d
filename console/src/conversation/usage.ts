import type { ConversationInfo } from './live-conversation.js';

/** What a conversation has used. */
export interface Usage {
  cost: number;
  promptTokens: number;
  completionTokens: number;
  /** Tokens of the last answer of the agent's model with what it read; 0 before the first one. */
  contextTokens: number;
  /** How many fit; 0 if it is not known. */
  contextWindow: number;
}

/** Sums the usage of all models of a conversation. */
export function usageOf(info: ConversationInfo | null): Usage {
  const usage: Usage = { cost: 0, promptTokens: 0, completionTokens: 0, contextTokens: 0, contextWindow: 0 };
  if (info === null) return usage;
  const { agent } = info;
  const own = agent.kind === 'ACPAgent' ? undefined : agent.llm.usage_id;
  for (const [name, metrics] of Object.entries(info.stats.usage_to_metrics)) {
    const tokens = metrics.accumulated_token_usage;
    usage.cost += metrics.accumulated_cost;
    usage.promptTokens += tokens?.prompt_tokens ?? 0;
    usage.completionTokens += tokens?.completion_tokens ?? 0;
    if (name === own) {
      usage.contextTokens = tokens?.per_turn_token ?? 0;
      usage.contextWindow = tokens?.context_window ?? 0;
    }
  }
  if (usage.contextWindow === 0 && agent.kind !== 'ACPAgent')
    usage.contextWindow = agent.llm.max_input_tokens ?? 0;
  return usage;
}
