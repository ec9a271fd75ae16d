import { isNearlySpent, type BudgetWarning } from '../../limits/index.js';
import type { ConversationState } from './conversation-state.js';

type Spending = Readonly<Pick<ConversationState, 'max_budget_per_run' | 'stats'>>;

/** Why a conversation may not cost more; undefined if it has no budget or has not used it up. */
export function budgetExceeded(state: Spending): string | undefined {
  const { max_budget_per_run: budget } = state;
  if (budget === undefined) return undefined;
  const spent = spentIn(state);
  if (spent < budget) return undefined;
  return `Agent reached maximum budget limit ($${budget}): the conversation has cost $${spent.toFixed(4)}.`;
}

/** Says that a conversation has nearly used up its budget. @param percent from which share on */
export function budgetWarning(state: Spending, percent: number): BudgetWarning | undefined {
  const { max_budget_per_run: limit } = state;
  if (limit === undefined) return undefined;
  const spent = spentIn(state);
  if (!isNearlySpent({ spent, limit }, percent)) return undefined;
  const message = `The conversation has cost $${spent.toFixed(4)} of its budget of $${limit} (max_budget_per_run).`;
  return { budget: 'conversation', spent, limit, period_start: null, message };
}

function spentIn({ stats }: Pick<Spending, 'stats'>): number {
  const costs = Object.values(stats.usage_to_metrics).map(({ accumulated_cost }) => accumulated_cost);
  return costs.reduce((sum, cost) => sum + cost, 0);
}
