import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { colour, colourVersion } from './theme-colours.js';

/** One line or area of a plot. */
export interface PlotSeries {
  label: string;
  /** A variable of the page, such as `--plot-1`. */
  colour: string;
  values: readonly (number | null)[];
  /** `area`: filled down to the axis. `bars`: a bar for each point. */
  shape?: 'line' | 'area' | 'bars';
  dashed?: boolean;
}

/** Places on the x axis at which a vertical line stands. */
export interface PlotMarks {
  at: readonly number[];
  colour: string;
}

interface Props {
  /** For screen readers; the numbers are in a table beside the plot. */
  label: string;
  xs: readonly number[];
  series: readonly PlotSeries[];
  format: (value: number) => string;
  formatX: (value: number) => string;
  marks?: PlotMarks;
  height?: number;
  /** The index of the point under the pointer. */
  onPoint: (index: number | null) => void;
  /** The point was clicked. */
  onChoose?: (index: number) => void;
}

/** A plot of series over steps, in the colours of the page and as wide as its place. */
export function SeriesPlot(props: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const { xs, series, label, height = 180 } = props;
  const version = colourVersion.value;
  const shape = series.map((one) => `${one.label} ${one.colour} ${one.shape} ${one.dashed}`).join('\n');
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const made = new uPlot(
      optionsOf(latest, element.clientWidth || 320, height),
      dataOf(latest.current),
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0) made.setSize({ width: element.clientWidth, height });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape, version, height]);
  useEffect(() => plot.current?.setData(dataOf(latest.current)), [xs, series]);
  return (
    <div
      ref={place}
      class="plot"
      role="img"
      aria-label={label}
      onClick={() => {
        const index = plot.current?.cursor.idx;
        if (index !== undefined && index !== null) latest.current.onChoose?.(index);
      }}
    />
  );
}

function dataOf({ xs, series }: Props): uPlot.AlignedData {
  return [xs, ...series.map(({ values }) => values)].map((values) => [...values]) as uPlot.AlignedData;
}

function optionsOf(latest: { readonly current: Props }, width: number, height: number): uPlot.Options {
  const { series, format, formatX } = latest.current;
  const line = colour('--line');
  const soft = colour('--soft');
  const axis = {
    stroke: soft,
    font: `11px ${colour('--font')}`,
    grid: { stroke: line, width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height,
    padding: [8, 10, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: true, y: false } },
    // Half a step on each side, so that the first and the last bar are whole.
    scales: {
      x: { time: false, range: (_self, low, high) => [low - 0.5, high + 0.5] },
      y: { range: (_self, _low, high) => [0, high > 0 ? high * 1.08 : 1] },
    },
    axes: [
      { ...axis, size: 26, grid: { show: false }, values: (_self, ticks) => ticks.map(formatX) },
      { ...axis, size: 54, values: (_self, ticks) => ticks.map(format) },
    ],
    series: [
      {},
      ...series.map(({ label, colour: variable, shape = 'line', dashed }): uPlot.Series => {
        const stroke = colour(variable);
        return {
          label,
          stroke,
          width: shape === 'bars' ? 0 : 1.5,
          fill:
            shape === 'line'
              ? undefined
              : shape === 'bars'
                ? stroke
                : `color-mix(in srgb, ${stroke} 18%, transparent)`,
          paths: shape === 'bars' ? uPlot.paths.bars?.({ size: [0.8, 40], gap: 0 }) : undefined,
          dash: dashed ? [5, 4] : undefined,
          points: { show: shape !== 'bars' && !dashed && latest.current.xs.length < 40, size: 4 },
          spanGaps: true,
        };
      }),
    ],
    hooks: {
      setCursor: [(self) => latest.current.onPoint(self.cursor.idx ?? null)],
      draw: [(self) => drawMarks(self, latest.current.marks)],
    },
  };
}

function drawMarks(plot: uPlot, marks: PlotMarks | undefined): void {
  if (!marks) return;
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = colour(marks.colour);
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const at of marks.at) {
    const x = Math.round(plot.valToPos(at, 'x', true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}
