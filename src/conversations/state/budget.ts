import type { ConversationState } from './conversation-state.js';

type Spending = Readonly<Pick<ConversationState, 'max_budget_per_run' | 'stats'>>;

/** Why a conversation may not cost more; undefined if it has no budget or has not used it up. */
export function budgetExceeded({ max_budget_per_run: budget, stats }: Spending): string | undefined {
  if (budget === undefined) return undefined;
  const costs = Object.values(stats.usage_to_metrics).map(({ accumulated_cost }) => accumulated_cost);
  const spent = costs.reduce((sum, cost) => sum + cost, 0);
  if (spent < budget) return undefined;
  return `Agent reached maximum budget limit ($${budget}): the conversation has cost $${spent.toFixed(4)}.`;
}
