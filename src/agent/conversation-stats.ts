import type { LlmResponse } from '../llm/index.js';

/** Tokens of one answer or of all answers with one usage id. Field names and order are the API's. */
interface TokenUsage {
  model: string;
  prompt_tokens: number;
  completion_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  reasoning_tokens: number;
  context_window: number;
  /** Prompt and completion tokens of the last answer. */
  per_turn_token: number;
  response_id: string;
}

/** Usage of all answers with one usage id. Costs in US dollars, latencies in seconds. */
interface UsageMetrics {
  model_name: string;
  accumulated_cost: number;
  max_budget_per_task: number | null;
  accumulated_token_usage: TokenUsage;
  costs: { model: string; cost: number; timestamp: number }[];
  response_latencies: { model: string; latency: number; response_id: string }[];
  token_usages: TokenUsage[];
}

/** Usage, cost and latency of a conversation, by usage id. */
export interface ConversationStats {
  usage_to_metrics: Record<string, UsageMetrics>;
}

/** The statistics as in `stats` events: without the growing lists. */
export interface StatsSummary {
  usage_to_metrics: Record<string, Omit<UsageMetrics, 'costs' | 'response_latencies' | 'token_usages'>>;
}

/** Adds an empty entry for a model, so that clients see it from the start. */
export function registerUsage(
  stats: ConversationStats,
  { usage_id, model }: { usage_id: string; model: string },
): void {
  stats.usage_to_metrics[usage_id] ??= emptyMetrics(model);
}

/** Adds one answer to the statistics. */
export function addUsage(
  stats: ConversationStats,
  usageId: string,
  requestedModel: string,
  response: LlmResponse,
): void {
  const metrics = (stats.usage_to_metrics[usageId] ??= emptyMetrics(requestedModel));
  const { usage, model = requestedModel } = response;
  const turn: TokenUsage = {
    model,
    ...usage,
    per_turn_token: usage.prompt_tokens + usage.completion_tokens,
    response_id: response.id,
  };
  const total = metrics.accumulated_token_usage;
  metrics.accumulated_token_usage = {
    ...turn,
    model: requestedModel,
    ...addTokenCounts(total, turn),
    response_id: '',
  };
  pushBounded(metrics.token_usages, turn);
  pushBounded(metrics.response_latencies, { model, latency: response.latency, response_id: response.id });
  if (response.cost !== null) {
    metrics.accumulated_cost += response.cost;
    pushBounded(metrics.costs, { model, cost: response.cost, timestamp: Date.now() / 1000 });
  }
}

/**
 * Answers kept in the lists. Totals count all answers; the limit keeps a snapshot small enough for a frame.
 */
const MAX_KEPT_ANSWERS = 1_000;

function pushBounded<T>(list: T[], item: T): void {
  list.push(item);
  if (list.length > MAX_KEPT_ANSWERS) list.shift();
}

/** Converts the statistics for a `stats` event. */
export function summarizeStats(stats: ConversationStats): StatsSummary {
  const entries = Object.entries(stats.usage_to_metrics).map(([usageId, metrics]) => {
    const { model_name, accumulated_cost, max_budget_per_task, accumulated_token_usage } = metrics;
    return [usageId, { model_name, accumulated_cost, max_budget_per_task, accumulated_token_usage }] as const;
  });
  return { usage_to_metrics: Object.fromEntries(entries) };
}

/** Applies the totals of a `stats` event; the lists keep what is already known. */
export function applyStatsSummary(stats: ConversationStats, summary: StatsSummary): void {
  for (const [usageId, totals] of Object.entries(summary.usage_to_metrics)) {
    const known = stats.usage_to_metrics[usageId] ?? emptyMetrics(totals.model_name);
    stats.usage_to_metrics[usageId] = { ...known, ...totals };
  }
}

/** The statistics of no answer. */
export function emptyMetrics(model: string): UsageMetrics {
  return {
    model_name: model,
    accumulated_cost: 0,
    max_budget_per_task: null,
    accumulated_token_usage: {
      model,
      prompt_tokens: 0,
      completion_tokens: 0,
      cache_read_tokens: 0,
      cache_write_tokens: 0,
      reasoning_tokens: 0,
      context_window: 0,
      per_turn_token: 0,
      response_id: '',
    },
    costs: [],
    response_latencies: [],
    token_usages: [],
  };
}

function addTokenCounts(total: TokenUsage, turn: TokenUsage): Partial<TokenUsage> {
  return {
    prompt_tokens: total.prompt_tokens + turn.prompt_tokens,
    completion_tokens: total.completion_tokens + turn.completion_tokens,
    cache_read_tokens: total.cache_read_tokens + turn.cache_read_tokens,
    cache_write_tokens: total.cache_write_tokens + turn.cache_write_tokens,
    reasoning_tokens: total.reasoning_tokens + turn.reasoning_tokens,
    context_window: Math.max(total.context_window, turn.context_window),
  };
}
