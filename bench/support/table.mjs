/** Median, minimum and maximum of some figures. */
export function summarise(figures) {
  return { median: median(figures), min: Math.min(...figures), max: Math.max(...figures) };
}

/** The median. */
export function median(figures) {
  return percentile(figures, 50);
}

/** The given percentile. */
export function percentile(figures, percent) {
  const sorted = [...figures].sort((a, b) => a - b);
  const at = ((sorted.length - 1) * percent) / 100;
  const below = sorted[Math.floor(at)];
  return below + (sorted[Math.ceil(at)] - below) * (at % 1);
}

/** Rows of cells as aligned text. */
export function formatText(lines) {
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const pad = (cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]));
  return lines.map((line) => line.map(pad).join('  ').trimEnd()).join('\n');
}

/** Rows of cells as a Markdown table. */
export function formatMarkdown([head, ...lines]) {
  const rule = head.map((_, column) => (column === 0 ? '---' : '--:'));
  return [head, rule, ...lines].map((line) => `| ${line.join(' | ')} |`).join('\n');
}

/** A number with three significant digits. */
export function formatNumber(value) {
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  if (value === 0) return '0';
  return value.toFixed(value >= 10 ? 1 : 2);
}
