import { summarise } from '../../bench/support/table.mjs';

/** 95 %. */
const Z = 1.96;

/** The lines of the table: for each task one per server, and then their totals. */
export function toCells(runs, servers) {
  const head = ['Task', 'Server', 'Passed', 'Steps', 'Tokens', 'Cost (USD)', 'Time (s)'];
  const tasks = [...new Set(runs.map(({ task }) => task))].sort();
  const lines = tasks.flatMap((task) =>
    servers.map(({ key, name }) => {
      const own = runs.filter((run) => run.task === task && run.server === key);
      return [task, name, ...figures(own)];
    }),
  );
  const totals = servers.map(({ key, name }) => [
    'all',
    name,
    ...figures(runs.filter(({ server }) => server === key)),
  ]);
  return [head, ...lines, ...totals];
}

function figures(runs) {
  if (runs.length === 0) return ['-', '-', '-', '-', '-'];
  const spread = (value, digits) => formatSpread(runs.map(value), digits);
  return [
    `${runs.filter(({ ok }) => ok).length}/${runs.length}`,
    spread(({ steps }) => steps, 0),
    spread(({ tokens }) => tokens.prompt + tokens.completion, 0),
    spread(({ cost }) => cost, 4),
    spread(({ seconds }) => seconds, 1),
  ];
}

/** Median (minimum to maximum). */
function formatSpread(values, digits) {
  const { median, min, max } = summarise(values);
  const format = (value) => value.toFixed(digits);
  return min === max ? format(median) : `${format(median)} (${format(min)}–${format(max)})`;
}

/** What the table comes to, in sentences. */
export function conclude(runs, servers) {
  const lines = servers.flatMap(({ key, name }) => {
    const own = runs.filter(({ server }) => server === key);
    return own.length === 0 ? [] : [`${name}: ${describeRate(own)}`];
  });
  if (servers.length === 2) lines.push(comparePairs(runs, servers));
  return lines;
}

function describeRate(runs) {
  const passed = runs.filter(({ ok }) => ok).length;
  const [low, high] = interval(passed, runs.length);
  const repeats = [...new Set(runs.map(({ repeat }) => repeat))];
  const rates = repeats.map((repeat) => {
    const group = runs.filter((run) => run.repeat === repeat);
    return group.filter(({ ok }) => ok).length / group.length;
  });
  const cost = runs.reduce((sum, run) => sum + run.cost, 0);
  const spread =
    rates.length > 1 ? `, by repeat ${percent(Math.min(...rates))} to ${percent(Math.max(...rates))}` : '';
  return (
    `${passed} of ${runs.length} passed: ${percent(passed / runs.length)} ` +
    `(95 % interval ${percent(low)} to ${percent(high)}${spread}), ${cost.toFixed(2)} USD`
  );
}

/** Wilson's interval, which also holds for few runs and rates near 0 and 1. */
export function interval(passed, total) {
  const rate = passed / total;
  const centre = rate + Z ** 2 / (2 * total);
  const width = Z * Math.sqrt((rate * (1 - rate)) / total + Z ** 2 / (4 * total ** 2));
  const scale = 1 + Z ** 2 / total;
  return [Math.max(0, (centre - width) / scale), Math.min(1, (centre + width) / scale)];
}

/** Pairs of the same task and repeat tell more than two rates: most tasks are equally hard for both. */
function comparePairs(runs, [first, second]) {
  const keyOf = ({ task, solution, repeat }) => `${task} ${solution} ${repeat}`;
  const others = new Map(runs.filter(({ server }) => server === second.key).map((run) => [keyOf(run), run]));
  const pairs = runs
    .filter((run) => run.server === first.key && others.has(keyOf(run)))
    .map((run) => [run.ok, others.get(keyOf(run)).ok]);
  const onlyFirst = pairs.filter(([one, other]) => one && !other).length;
  const onlySecond = pairs.filter(([one, other]) => other && !one).length;
  return `of ${pairs.length} pairs of runs, only ${first.name} passed ${onlyFirst}, only ${second.name} ${onlySecond}`;
}

function percent(rate) {
  return `${Math.round(rate * 100)} %`;
}
