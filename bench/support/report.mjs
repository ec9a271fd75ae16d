import { formatNumber } from './table.mjs';

/** The results as rows of cells, the header first. `compared`: there is a second server. */
export function toCells(results, compared) {
  const head = [
    'What',
    'Unit',
    'This server',
    ...(compared ? ['Other server', 'Times better'] : []),
    'Limit',
    'Share of it',
    'Target',
    'Reached',
  ];
  const lines = results.map((result) => {
    const { row, ours, other, limit } = result;
    return [
      row.title,
      row.unit,
      formatSummary(ours),
      ...(compared ? [formatSummary(other), formatOptional(timesBetter(result))] : []),
      formatSummary(limit),
      limit && ours ? formatShare(shareOfLimit(result)) : '',
      row.target ? formatTarget(row) : '',
      reached(result),
    ];
  });
  return [head, ...lines];
}

/** A row without a target is informational. A row whose measurement failed has missed its target. */
export function reached(result) {
  const { row, ours } = result;
  if (!row.target) return '';
  if (!ours || ours.failed) return 'no figure';
  const { figure, times, share } = row.target;
  const parts = [
    figure !== undefined && ['figure', isAsGood(row, ours.median, figure)],
    // Nothing to compare without the other server.
    times !== undefined && result.other && !result.other.failed && ['times', timesBetter(result) >= times],
    share !== undefined && result.limit && !result.limit.failed && ['share', shareOfLimit(result) >= share],
  ].filter(Boolean);
  const met = parts.filter(([, isMet]) => isMet).map(([name]) => name);
  if (parts.length === 0) return 'not measured';
  if (met.length === parts.length) return 'yes';
  return met.length === 0 ? 'no' : `only ${met.join(', ')}`;
}

function isAsGood({ better }, value, target) {
  return better === 'less' ? value <= target : value >= target;
}

function timesBetter({ row, ours, other }) {
  if (!ours || !other || ours.failed || other.failed) return undefined;
  const times = row.better === 'less' ? other.median / ours.median : ours.median / other.median;
  return Number.isFinite(times) ? times : undefined;
}

function shareOfLimit({ row, ours, limit }) {
  return row.better === 'less' ? limit.median / ours.median : ours.median / limit.median;
}

function formatTarget({ unit, better, target: { figure, times, share } }) {
  return [
    figure !== undefined &&
      `${better === 'less' ? 'at most' : 'at least'} ${formatNumber(figure)} ${unit}`.trim(),
    times !== undefined && `${formatNumber(times).replace(/\.0+$/, '')} times`,
    share !== undefined && `${formatShare(share)} of the limit`,
  ]
    .filter(Boolean)
    .join(', ');
}

function formatSummary(summary) {
  if (!summary) return '';
  if (summary.failed) return 'failed';
  const { median, min, max } = summary;
  if (min === max) return formatNumber(median);
  return `${formatNumber(median)} (${formatNumber(min)}..${formatNumber(max)})`;
}

function formatOptional(value) {
  return value === undefined ? '' : formatNumber(value);
}

function formatShare(share) {
  return `${Math.round(share * 100)}%`;
}
