/** Median, smallest and largest of some figures. */
export function summarise(figures) {
  return { median: median(figures), min: Math.min(...figures), max: Math.max(...figures) };
}

/** The figure in the middle. */
export function median(figures) {
  const sorted = [...figures].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Rows as text: the figures of this server and, beside them, of the other. */
export function formatTable(rows, compared) {
  const head = ['benchmark', '', 'this server', ...(compared ? ['other server', 'times better'] : [])];
  const lines = rows.map(({ benchmark, results: [ours, other] }) => [
    benchmark.title,
    benchmark.unit,
    formatSummary(ours),
    ...(compared ? [formatSummary(other), formatRatio(benchmark, ours, other)] : []),
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...lines].map((line) => line[column].length)));
  return [head, ...lines]
    .map((line) =>
      line
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])))
        .join('  '),
    )
    .join('\n');
}

function formatSummary(summary) {
  if (!summary) return 'failed';
  return `${formatNumber(summary.median)} (${formatNumber(summary.min)}..${formatNumber(summary.max)})`;
}

function formatRatio({ better }, ours, other) {
  if (!ours || !other) return '-';
  return formatNumber(better === 'less' ? other.median / ours.median : ours.median / other.median);
}

/** Three digits that mean something. */
export function formatNumber(value) {
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(value >= 10 ? 1 : 2);
}
