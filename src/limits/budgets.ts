import type { Period } from '../usage/index.js';

/** The periods that budgets are for. */
export const BUDGET_PERIODS: readonly Period[] = ['day', 'month'];

/** What models may cost in a period, and what they have cost (US dollars). */
export interface Budget {
  /** Of the conversations of a key, or of all. */
  name: 'key' | 'server';
  period: Period;
  limit: number;
  /** Undefined while the ledger cannot be read: such a budget counts as spent. */
  spent: number | undefined;
  /** When the period has begun (ms since the epoch). */
  start: number;
}

/** The value of an event that says that a budget is nearly spent. Amounts in US dollars. */
export interface BudgetWarning {
  /** `conversation`, or such as `key_day`. */
  budget: string;
  spent: number;
  limit: number;
  /** UTC; null for the budget of a conversation. */
  period_start: string | null;
  /** For people. */
  message: string;
}

/** Whether a budget is spent up to a share, and not all of it. */
export function isNearlySpent(
  { spent, limit }: Readonly<Record<'spent' | 'limit', number>>,
  percent: number,
): boolean {
  return spent < limit && spent * 100 >= limit * percent;
}
