import { daysUpTo, seriesOf, type UsageItem } from './usage-series.js';

const item = (day: string, model: string, cost: number): UsageItem => ({
  day,
  model,
  calls: 1,
  errors: 0,
  unpriced_calls: 0,
  prompt_tokens: 10,
  completion_tokens: 2,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  reasoning_tokens: 0,
  cost,
  latency_seconds: 1,
});

describe('the series of the usage plot', () => {
  const days = daysUpTo('2026-03-01', 3);

  it('has a value for each day, the largest group first and the small ones together', () => {
    expect(days).toEqual(['2026-02-27', '2026-02-28', '2026-03-01']);
    const items = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((model, index) =>
      item('2026-02-28', model, index + 1),
    );
    const series = seriesOf(
      [...items, item('2026-03-01', 'g', 5), item('2025-01-01', 'g', 9)],
      days,
      'model',
      'cost',
    );
    expect(series.map(({ name, values }) => [name, values])).toEqual([
      ['g', [0, 7, 5]],
      ['f', [0, 6, 0]],
      ['e', [0, 5, 0]],
      ['d', [0, 4, 0]],
      ['c', [0, 3, 0]],
      ['2 others', [0, 3, 0]],
    ]);
    expect(seriesOf(items, days, 'model', 'tokens')[0]?.values).toEqual([0, 12, 0]);
  });
});
