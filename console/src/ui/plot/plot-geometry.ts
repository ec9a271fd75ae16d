/** Values of a line: one for each place on the x axis; null where there is none. */
export type PlotValues = readonly (number | null | undefined)[];

/** Maps values to pixels. */
export type Scale = (value: number) => number;

/** A linear scale. An empty domain is in the middle. */
export function linearScale(
  [low, high]: readonly [number, number],
  [from, to]: readonly [number, number],
): Scale {
  const span = high - low;
  if (span <= 0) return () => (from + to) / 2;
  return (value) => from + ((value - low) / span) * (to - from);
}

/** Round numbers from 0 to a largest value, at most so many of them. */
export function ticksUpTo(max: number, count: number): number[] {
  if (!(max > 0) || count < 1) return [0];
  const rough = max / count;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * size).find((one) => one >= rough) ?? rough;
  const ticks: number[] = [];
  for (let index = 0; index * step <= max * (1 + 1e-9); index += 1) ticks.push(index * step);
  return ticks;
}

/** The largest value; 0 if there is none. */
export function largest(all: readonly PlotValues[]): number {
  let max = 0;
  for (const values of all)
    for (const value of values) if (typeof value === 'number' && value > max) max = value;
  return max;
}

/** The index of the place that is nearest to an x; places are ascending. */
export function nearestIndex(xs: readonly number[], x: number): number | null {
  if (xs.length === 0) return null;
  let low = 0;
  let high = xs.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((xs[middle] ?? 0) < x) low = middle + 1;
    else high = middle;
  }
  const before = xs[low - 1];
  const at = xs[low] ?? 0;
  return before !== undefined && x - before < at - x ? low - 1 : low;
}

/** A line in pixels: its runs of neighbouring points. */
export type Runs = (readonly [number, number])[][];

/**
 * The points of a line. With more than two points in a column of pixels only its lowest and highest are kept,
 * so that a line of any length has as many points as the plot is wide.
 * @param spansGaps whether the line goes on over places without a value
 */
export function runsOf(
  xs: readonly number[],
  values: PlotValues,
  { x, y, spansGaps }: { x: Scale; y: Scale; spansGaps: boolean },
): Runs {
  const runs: Runs = [];
  let run: (readonly [number, number])[] | undefined;
  let column: { at: number; count: number } | undefined;
  for (const [index, place] of xs.entries()) {
    const value = values[index];
    if (typeof value !== 'number') {
      if (!spansGaps) run = undefined;
      continue;
    }
    if (run === undefined) {
      run = [];
      runs.push(run);
      column = undefined;
    }
    const point = [x(place), y(value)] as const;
    const at = Math.floor(point[0]);
    if (column?.at !== at) column = { at, count: 0 };
    column.count += 1;
    if (column.count > 2) replaceInside(run, point);
    else run.push(point);
  }
  return runs;
}

/** Keeps the extremes of the last two points, which share a column with the new one. */
function replaceInside(run: (readonly [number, number])[], point: readonly [number, number]): void {
  const [first, second] = [run.at(-2), run.at(-1)];
  if (first === undefined || second === undefined) return;
  const [low, high] = first[1] < second[1] ? [-2, -1] : [-1, -2];
  if (point[1] < (run.at(low)?.[1] ?? 0)) run[run.length + low] = point;
  else if (point[1] > (run.at(high)?.[1] ?? 0)) run[run.length + high] = point;
}

/** The runs as the path of a line. A point without neighbours is a short dash. */
export function linePath(runs: Runs): string {
  return runs
    .map((points) => {
      const path = points.map(([x, y]) => `${round(x)} ${round(y)}`).join('L');
      return points.length === 1 ? `M${path}h.01` : `M${path}`;
    })
    .join('');
}

/** The runs as the path of the area between the line and the bottom. */
export function areaPath(runs: Runs, bottom: number): string {
  return runs
    .map((points) => {
      const [first, last] = [points[0]?.[0] ?? 0, points.at(-1)?.[0] ?? 0];
      const path = points.map(([x, y]) => `L${round(x)} ${round(y)}`).join('');
      return `M${round(first)} ${round(bottom)}${path}L${round(last)} ${round(bottom)}Z`;
    })
    .join('');
}

/** A bar for each value. @param width of a bar in pixels */
export function barsPath(runs: Runs, bottom: number, width: number): string {
  return runs
    .flat()
    .map(
      ([x, y]) => `M${round(x - width / 2)} ${round(bottom)}V${round(y)}h${round(width)}V${round(bottom)}Z`,
    )
    .join('');
}

function round(pixels: number): number {
  return Math.round(pixels * 10) / 10;
}
