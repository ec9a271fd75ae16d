import type { Schemas } from '../../api/client.js';
import { compact, money } from '../../ui/numbers.js';

/** A group of calls as the server sums it up. */
export type UsageItem = Schemas['UsageItem'];
type Sums = Schemas['UsageSums'];

/** What the plot shows. */
export const MEASURES = {
  cost: { label: 'Cost', value: ({ cost }: Sums) => cost, format: money },
  tokens: {
    label: 'Tokens',
    value: (sums: Sums) => sums.prompt_tokens + sums.completion_tokens,
    format: compact,
  },
  calls: { label: 'Calls', value: ({ calls }: Sums) => calls, format: compact },
} as const;
export type Measure = keyof typeof MEASURES;

/** What the bars are divided by. */
export const SPLITS = {
  model: 'Model',
  provider: 'Provider',
  key: 'Key',
  usage_id: 'Purpose',
} as const;
export type Split = keyof typeof SPLITS;

/** One colour of the bars: a group, or all that are too small for a colour of their own. */
export interface Series {
  name: string;
  color: string;
  /** One value a day. */
  values: readonly number[];
  total: number;
}

/** Groups with a colour of their own. */
const MAX_SERIES = 5;
const DAY_MS = 86_400_000;

/** The days of a period, the last one first in time. */
export function daysUpTo(last: string, count: number): string[] {
  const end = Date.parse(`${last}T00:00:00Z`);
  return Array.from({ length: count }, (_, index) =>
    new Date(end - (count - 1 - index) * DAY_MS).toISOString().slice(0, 10),
  );
}

/** What a group is called. */
export function nameOf(item: UsageItem, split: Split): string {
  if (split === 'key') return text(item.key_name) || text(item.key) || 'A removed key';
  return text(item[split]) || 'unknown';
}

/** The series of a plot, the largest first; the rest is one series at the end. */
export function seriesOf(
  items: readonly UsageItem[],
  days: readonly string[],
  split: Split,
  measure: Measure,
): Series[] {
  const { value } = MEASURES[measure];
  const indexOf = new Map(days.map((day, index) => [day, index]));
  const byName = new Map<string, number[]>();
  for (const item of items) {
    const index = indexOf.get(text(item.day));
    if (index === undefined) continue;
    const values = byName.get(nameOf(item, split)) ?? days.map(() => 0);
    values[index] = (values[index] ?? 0) + value(item);
    byName.set(nameOf(item, split), values);
  }
  const all = [...byName]
    .map(([name, values]) => ({ name, values, total: values.reduce((sum, one) => sum + one, 0) }))
    .filter(({ total }) => total > 0)
    .sort((one, other) => other.total - one.total);
  const shown = all.slice(0, MAX_SERIES).map((one, index) => ({ ...one, color: `--plot-${index + 1}` }));
  const rest = all.slice(MAX_SERIES);
  if (rest.length === 0) return shown;
  const values = days.map((_, index) => rest.reduce((sum, one) => sum + (one.values[index] ?? 0), 0));
  const total = rest.reduce((sum, one) => sum + one.total, 0);
  return [...shown, { name: `${rest.length} others`, color: '--plot-6', values, total }];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
