import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { theme } from '../../shell/theme.js';

/** A line of a plot. */
export interface PlotLine {
  label: string;
  /** A variable of the style sheet, such as `--plot-1`. */
  color: string;
  /** One value for each time; null where there is none. */
  values: readonly (number | null)[];
  /** A limit: dashed, and not filled. */
  isLimit?: boolean;
}

/** What a plot shows. Times are Unix times in seconds, ascending. */
export interface PlotData {
  times: readonly number[];
  from: number;
  to: number;
  lines: readonly PlotLine[];
}

interface Props extends PlotData {
  /** What the plot says, for people who do not see it. */
  description: string;
  height: number;
  /** Plots of the same group show their values at the same time. */
  group: string;
  /** Called with the index of the time under the pointer; null when it has left. */
  onPoint: (index: number | null) => void;
}

/** A plot without axes: the numbers stand beside it. Values begin at zero. */
export function SmallPlot(props: Props) {
  const { times, from, to, lines, description, height, group } = props;
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const shape = lines.map(({ label, color, isLimit }) => `${label} ${color} ${isLimit}`).join();

  useEffect(() => {
    const target = element.current;
    if (target === null) return undefined;
    const made = new uPlot(
      optionsOf(latest, target.clientWidth, height, group),
      dataOf(latest.current),
      target,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: target.clientWidth, height }));
    observer.observe(target);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const redraw = (): void => made.redraw();
    scheme.addEventListener('change', redraw);
    return () => {
      scheme.removeEventListener('change', redraw);
      observer.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [shape, height, group]);
  useEffect(() => plot.current?.setData(dataOf(latest.current)), [times, from, to, lines]);
  useEffect(() => plot.current?.redraw(), [theme.value]);

  return (
    <div
      ref={element}
      class="small-plot"
      role="img"
      aria-label={description}
      style={{ height: `${height}px` }}
    />
  );
}

function dataOf({ times, lines }: PlotData): uPlot.AlignedData {
  return [[...times], ...lines.map(({ values }) => [...values])];
}

function optionsOf(latest: { current: Props }, width: number, height: number, group: string): uPlot.Options {
  const { lines } = latest.current;
  return {
    width,
    height,
    padding: [6, 0, 2, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { size: 6 },
      drag: { x: false, y: false },
      sync: { key: group },
    },
    axes: [{ show: false }, { show: false }],
    scales: {
      x: { time: true, range: () => [latest.current.from, latest.current.to] },
      y: { range: (_, __, max) => [0, max > 0 ? max * 1.05 : 1] },
    },
    series: [{}, ...lines.map(seriesOf)],
    hooks: {
      setCursor: [
        ({ cursor: { idx, left } }) =>
          latest.current.onPoint(idx === null || idx === undefined || (left ?? -1) < 0 ? null : idx),
      ],
    },
  };
}

function seriesOf({ color, isLimit }: PlotLine): uPlot.Series {
  return {
    stroke: () => styleOf(color),
    width: isLimit ? 1 : 1.5,
    points: { show: false, filter: (plot, index) => aloneIn(plot.data[index] ?? []), size: 4 },
    ...(isLimit
      ? { dash: [4, 4] }
      : { fill: () => `color-mix(in srgb, ${styleOf(color)} 12%, transparent)` }),
  };
}

/** Values without neighbours: no line would show them. */
function aloneIn(values: ArrayLike<number | null | undefined>): number[] {
  const has = (index: number): boolean => typeof values[index] === 'number';
  return Array.from(values, (_, index) => index).filter(
    (index) => has(index) && !has(index - 1) && !has(index + 1),
  );
}

function styleOf(variable: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
}
