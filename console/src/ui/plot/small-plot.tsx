import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { areaPath, largest, linearScale, linePath, nearestIndex, runsOf } from './plot-geometry.js';
import { useWidth } from './use-width.js';

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
  /** Called with the index of the time under the pointer, of any plot of the group; null when it has left. */
  onPoint: (index: number | null) => void;
}

const TOP = 6;
const BOTTOM = 2;

/** The group and the time that the pointer points at. */
const pointed = signal<{ group: string; time: number } | null>(null);

/** A plot without axes: the numbers stand beside it. Values begin at zero. */
export function SmallPlot({ times, from, to, lines, description, height, group, onPoint }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const width = useWidth(element);
  const bottom = height - BOTTOM;
  const x = linearScale([from, to], [0, width]);
  const max = largest(lines.map(({ values }) => values));
  const y = linearScale([0, max > 0 ? max * 1.05 : 1], [bottom, TOP]);
  const time = pointed.value?.group === group ? pointed.value.time : undefined;
  const index = time === undefined ? null : nearestIndex(times, time);
  const pointAt = (event: PointerEvent): void => {
    const left = element.current?.getBoundingClientRect().left ?? 0;
    const at = from + ((event.clientX - left) / Math.max(1, width)) * (to - from);
    pointed.value = { group, time: at };
  };
  // All plots of the group say their values, not only the one under the pointer.
  useEffect(() => onPoint(index), [index]);
  return (
    <div
      ref={element}
      class="small-plot"
      role="img"
      aria-label={description}
      style={{ height: `${height}px` }}
      onPointerMove={pointAt}
      onPointerLeave={() => {
        pointed.value = null;
      }}
    >
      <svg width={width} height={height} aria-hidden="true">
        {lines.map(({ label, color, values, isLimit }) => {
          const runs = runsOf(times, values, { x, y, spansGaps: false });
          return (
            <g key={label} style={{ color: `var(${color})` }} class={isLimit ? 'plot-limit' : undefined}>
              {!isLimit && <path class="plot-area" d={areaPath(runs, bottom)} />}
              <path class="plot-line" d={linePath(runs)} />
              {index !== null && <Point x={x(times[index] ?? 0)} y={values[index]} scale={y} />}
            </g>
          );
        })}
        {index !== null && <path class="plot-cursor" d={`M${x(times[index] ?? 0)} 0V${height}`} />}
      </svg>
    </div>
  );
}

/** The value under the pointer. */
function Point({ x, y, scale }: { x: number; y: number | null | undefined; scale: (y: number) => number }) {
  return typeof y === 'number' ? <circle class="plot-point" cx={x} cy={scale(y)} r="3" /> : null;
}
