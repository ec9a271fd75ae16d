import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import {
  areaPath,
  barsPath,
  largest,
  linearScale,
  linePath,
  nearestIndex,
  runsOf,
  ticksUpTo,
} from '../../ui/plot/plot-geometry.js';
import { useWidth } from '../../ui/plot/use-width.js';

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

const LEFT = 54;
const RIGHT = 10;
const TOP = 8;
const BOTTOM = 24;
/** Space of a label on the x axis (px). */
const LABEL_WIDTH = 64;
const TICK_HEIGHT = 34;
const MAX_BAR = 40;
/** A shorter drag is a click (px). */
const MIN_DRAG = 6;
/** Lines with fewer points show each of them. */
const MAX_POINTS = 40;

/** A plot of series over steps. Dragging zooms, a double click shows all again. */
export function SeriesPlot({
  label,
  xs,
  series,
  format,
  formatX,
  marks,
  height = 180,
  onPoint,
  onChoose,
}: Props) {
  const element = useRef<HTMLDivElement>(null);
  const width = useWidth(element);
  const zoom = useSignal<readonly [number, number] | undefined>(undefined);
  const pointed = useSignal<number | null>(null);
  const drag = useSignal<{ from: number; to: number } | undefined>(undefined);
  // Half a step on each side, so that the first and the last bar are whole.
  const domain = zoom.value ?? ([(xs[0] ?? 0) - 0.5, (xs.at(-1) ?? 0) + 0.5] as const);
  const first = xs.findIndex((at) => at >= domain[0]);
  const shown = xs.slice(Math.max(0, first)).filter((at) => at <= domain[1]);
  const lines = series.map((one) => ({ ...one, values: one.values.slice(Math.max(0, first)) }));
  const bottom = height - BOTTOM;
  const max = largest(lines.map(({ values }) => values.slice(0, shown.length)));
  const x = linearScale(domain, [LEFT, Math.max(LEFT, width - RIGHT)]);
  const y = linearScale([0, max > 0 ? max * 1.08 : 1], [bottom, TOP]);
  const barWidth = Math.min(MAX_BAR, Math.max(1, 0.8 * (x(1) - x(0))));
  const every = Math.max(1, Math.ceil((shown.length * LABEL_WIDTH) / Math.max(1, width - LEFT - RIGHT)));

  const pixelOf = (event: PointerEvent): number =>
    event.clientX - (element.current?.getBoundingClientRect().left ?? 0);
  const placeOf = (pixel: number): number =>
    domain[0] + ((pixel - LEFT) / Math.max(1, width - LEFT - RIGHT)) * (domain[1] - domain[0]);
  const point = (index: number | null): void => {
    pointed.value = index;
    onPoint(index);
  };
  const release = (event: PointerEvent): void => {
    const dragged = drag.value;
    drag.value = undefined;
    if (dragged === undefined) return;
    const [from, to] = [Math.min(dragged.from, pixelOf(event)), Math.max(dragged.from, pixelOf(event))];
    if (to - from >= MIN_DRAG) zoom.value = [placeOf(from), placeOf(to)];
    else if (pointed.value !== null) onChoose?.(pointed.value);
  };
  const at = pointed.value === null ? undefined : xs[pointed.value];
  return (
    <div
      ref={element}
      class="series-plot"
      role="img"
      aria-label={label}
      onPointerDown={(event) => {
        if (event.button === 0) drag.value = { from: pixelOf(event), to: pixelOf(event) };
      }}
      onPointerMove={(event) => {
        point(nearestIndex(xs, placeOf(pixelOf(event))));
        if (drag.value) drag.value = { ...drag.value, to: pixelOf(event) };
      }}
      onPointerUp={release}
      onPointerLeave={() => {
        point(null);
        drag.value = undefined;
      }}
      onDblClick={() => {
        zoom.value = undefined;
      }}
    >
      <svg width={width} height={height} aria-hidden="true">
        {ticksUpTo(max * 1.08, Math.max(1, Math.floor((bottom - TOP) / TICK_HEIGHT))).map((tick) => (
          <g key={tick}>
            <path class="plot-grid" d={`M${LEFT} ${y(tick)}H${width - RIGHT}`} />
            <text class="plot-tick" x={LEFT - 8} y={y(tick) + 4} text-anchor="end">
              {format(tick)}
            </text>
          </g>
        ))}
        {shown.map((place, index) =>
          index % every === 0 ? (
            <text key={place} class="plot-tick" x={x(place)} y={height - 6} text-anchor="middle">
              {formatX(place)}
            </text>
          ) : null,
        )}
        {lines.map(({ label: name, colour, values, shape = 'line', dashed }) => {
          const runs = runsOf(shown, values, { x, y, spansGaps: true });
          const hasPoints = shape !== 'bars' && !dashed && shown.length < MAX_POINTS;
          return (
            <g key={name} style={{ color: `var(${colour})` }} class={dashed ? 'plot-limit' : undefined}>
              {shape === 'area' && <path class="plot-area" d={areaPath(runs, bottom)} />}
              {shape === 'bars' ? (
                <path class="plot-bars" d={barsPath(runs, bottom, barWidth)} />
              ) : (
                <path class="plot-line" d={linePath(runs)} />
              )}
              {hasPoints &&
                runs.flat().map(([cx, cy]) => <circle key={cx} class="plot-point" cx={cx} cy={cy} r="2" />)}
            </g>
          );
        })}
        {marks && (
          <g style={{ color: `var(${marks.colour})` }}>
            {marks.at
              .filter((place) => place >= domain[0] && place <= domain[1])
              .map((place) => (
                <path key={place} class="plot-mark" d={`M${x(place)} ${TOP}V${bottom}`} />
              ))}
          </g>
        )}
        {at !== undefined && <path class="plot-cursor" d={`M${x(at)} ${TOP}V${bottom}`} />}
        {drag.value && Math.abs(drag.value.to - drag.value.from) >= MIN_DRAG && (
          <rect
            class="plot-selection"
            x={Math.min(drag.value.from, drag.value.to)}
            y={TOP}
            width={Math.abs(drag.value.to - drag.value.from)}
            height={bottom - TOP}
          />
        )}
      </svg>
    </div>
  );
}
