import { isJsonObject } from '../../json/index.js';
import { TOKEN_KINDS, type TokenCounts } from '../../storage/index.js';
import type { SpanUsage } from './span.js';

/** The totals of one usage id in the last `stats` event. */
export type UsageTotals = TokenCounts & { cost: number };

const NONE: UsageTotals = {
  prompt_tokens: 0,
  completion_tokens: 0,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  reasoning_tokens: 0,
  cost: 0,
};

/** More usage ids than a conversation has models; those beyond are not followed. */
const MAX_USAGE_IDS = 200;

/**
 * What was used since the last `stats` event, one entry for each usage id that has changed. Updates `totals`.
 * Totals that have become smaller began anew: a fork starts from zero after the events that it copied.
 */
export function usageChanges(totals: Record<string, UsageTotals>, value: unknown): SpanUsage[] {
  const metrics = isJsonObject(value) ? value['usage_to_metrics'] : undefined;
  if (!isJsonObject(metrics)) return [];
  return Object.entries(metrics).flatMap(([usageId, entry]): SpanUsage[] => {
    const now = totalsOf(entry);
    if (!now) return [];
    const known = Object.hasOwn(totals, usageId) ? totals[usageId] : undefined;
    if (!known && Object.keys(totals).length >= MAX_USAGE_IDS) return [];
    totals[usageId] = now.totals;
    const last = known && isGrown(known, now.totals) ? known : NONE;
    const change = difference(last, now.totals);
    if (Object.values(change).every((count) => count === 0)) return [];
    const { cost, ...counts } = change;
    return [{ usage_id: usageId, model: now.model, ...counts, context_window: now.contextWindow, cost }];
  });
}

function totalsOf(entry: unknown): { totals: UsageTotals; model: string; contextWindow: number } | undefined {
  if (!isJsonObject(entry) || !isJsonObject(entry['accumulated_token_usage'])) return undefined;
  const { model_name: model, accumulated_cost: cost, accumulated_token_usage: usage } = entry;
  const totals = { ...NONE, cost: amount(cost) };
  for (const name of TOKEN_KINDS) totals[name] = amount(usage[name]);
  return {
    totals,
    model: typeof model === 'string' ? model : '',
    contextWindow: amount(usage['context_window']),
  };
}

function amount(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;
}

function isGrown(before: UsageTotals, after: UsageTotals): boolean {
  return TOKEN_KINDS.every((name) => after[name] >= before[name]) && after.cost >= before.cost;
}

function difference(before: UsageTotals, after: UsageTotals): UsageTotals {
  const change = { ...NONE, cost: after.cost - before.cost };
  for (const name of TOKEN_KINDS) change[name] = after[name] - before[name];
  return change;
}
