import { emptyMetrics, type ConversationStats } from '../../../agent/index.js';
import { EXECUTION_STATUSES, type ExecutionStatus } from '../../../events/index.js';
import { isJsonObject } from '../../../json/index.js';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|\+00:00)$/;

/** Readers of values that another program has stored: anything else counts as missing. */

/** A time in UTC with six digits of the second and `Z`. */
export function utcTime(value: unknown): string | undefined {
  if (typeof value !== 'string' || !TIME.test(value) || Number.isNaN(Date.parse(value))) return undefined;
  const [second = '', fraction = ''] = value.replace(/(Z|\+00:00)$/, '').split('.');
  return `${second}.${fraction.padEnd(6, '0')}Z`;
}

export function statusIn(value: unknown): ExecutionStatus | undefined {
  return EXECUTION_STATUSES.find((status) => status === value);
}

export function textIn(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

export function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

export function textMapIn(value: unknown): Record<string, string> {
  if (!isJsonObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** Statistics with the fields that the original leaves out. */
export function statsIn(value: unknown): ConversationStats {
  const usages = isJsonObject(value) ? value['usage_to_metrics'] : undefined;
  if (!isJsonObject(usages)) return { usage_to_metrics: {} };
  const entries = Object.entries(usages).flatMap(([usageId, stored]) => {
    if (!isJsonObject(stored)) return [];
    const model = textIn(stored['model_name']) ?? 'unknown';
    const empty = emptyMetrics(model);
    const { accumulated_token_usage: total } = stored;
    return [
      [
        usageId,
        {
          ...empty,
          ...stored,
          model_name: model,
          max_budget_per_task: numberOrNull(stored['max_budget_per_task']),
          accumulated_cost: numberIn(stored['accumulated_cost']),
          accumulated_token_usage: like(empty.accumulated_token_usage, total),
          costs: listLike({ model, cost: 0, timestamp: 0 }, stored['costs']),
          response_latencies: listLike({ model, latency: 0, response_id: '' }, stored['response_latencies']),
          token_usages: listLike(empty.accumulated_token_usage, stored['token_usages']),
        },
      ] as const,
    ];
  });
  return { usage_to_metrics: Object.fromEntries(entries) };
}

/** Nothing is spent below zero: it would be taken from what was spent before. */
function numberIn(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : 0;
}

function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** A stored object with the types of an empty one: clients check them. */
function like<T extends object>(empty: T, value: unknown): T {
  const stored = isJsonObject(value) ? value : {};
  const fields = Object.entries(empty).map(([name, none]: [string, unknown]): [string, unknown] => {
    const field = stored[name];
    if (typeof none === 'number') return [name, numberIn(field)];
    return [name, typeof field === typeof none ? field : none];
  });
  return { ...stored, ...Object.fromEntries(fields) } as T;
}

function listLike<T extends object>(empty: T, value: unknown): T[] {
  return Array.isArray(value) ? value.filter(isJsonObject).map((item) => like(empty, item)) : [];
}
