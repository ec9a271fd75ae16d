import type { ConversationStats } from '../../agent/index.js';
import type { SpanUsage } from './span.js';
import type { AnswerFacts } from './fold-context.js';

const NO_FACTS: AnswerFacts = { latencyOf: () => undefined, usageOf: () => undefined };

/** What the statistics of a conversation know about its last answers, by response id. */
export function answerFacts(stats: ConversationStats | undefined): AnswerFacts {
  if (!stats) return NO_FACTS;
  const latencies = new Map<string, number>();
  const usages = new Map<string, SpanUsage>();
  for (const [usageId, metrics] of Object.entries(stats.usage_to_metrics)) {
    for (const { response_id, latency } of metrics.response_latencies)
      if (Number.isFinite(latency) && latency >= 0) latencies.set(response_id, latency * 1000);
    for (const { response_id, per_turn_token: _sum, ...usage } of metrics.token_usages)
      usages.set(response_id, { usage_id: usageId, ...usage, cost: null });
  }
  return { latencyOf: (id) => latencies.get(id), usageOf: (id) => usages.get(id) };
}
