import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { linearScale, ticksUpTo } from '../../ui/plot/plot-geometry.js';
import { useWidth } from '../../ui/plot/use-width.js';
import { visible } from '../../ui/safe-text.js';
import type { Series } from './usage-series.js';

const HEIGHT = 240;
const TOP = 10;
const BOTTOM = 22;
const LEFT = 56;
/** Width of the label of a day (pixels). */
const LABEL = 62;
const MAX_BAR = 36;
const TICKS = 5;

interface Props {
  days: readonly string[];
  series: readonly Series[];
  format: (value: number) => string;
  /** What the plot says, for people who do not see it. */
  description: string;
}

/** A bar a day, whose parts are the series. The values of the day under the pointer stand beside it. */
export function StackedBars({ days, series, format, description }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const width = useWidth(element);
  const pointed = useSignal<number | null>(null);
  const sums = days.map((_, index) => series.reduce((sum, { values }) => sum + (values[index] ?? 0), 0));
  const max = Math.max(...sums, 0);
  const bottom = HEIGHT - BOTTOM;
  const y = linearScale([0, max > 0 ? max * 1.05 : 1], [bottom, TOP]);
  const slot = Math.max(0, width - LEFT) / Math.max(1, days.length);
  const bar = Math.min(MAX_BAR, Math.max(1, slot * 0.7));
  const x = (index: number): number => LEFT + slot * (index + 0.5);
  const every = Math.max(1, Math.ceil(LABEL / Math.max(1, slot)));
  const pointAt = (event: PointerEvent): void => {
    const left = element.current?.getBoundingClientRect().left ?? 0;
    const index = Math.floor((event.clientX - left - LEFT) / Math.max(1, slot));
    pointed.value = index >= 0 && index < days.length ? index : null;
  };
  const at = pointed.value;
  return (
    <div
      ref={element}
      class="stacked-bars"
      role="img"
      aria-label={description}
      style={{ height: `${HEIGHT}px` }}
      onPointerMove={pointAt}
      onPointerLeave={() => {
        pointed.value = null;
      }}
    >
      <svg width={width} height={HEIGHT} aria-hidden="true">
        {ticksUpTo(max, TICKS).map((tick) => (
          <g key={tick}>
            <path class="plot-grid" d={`M${LEFT} ${y(tick)}H${width}`} />
            <text class="plot-tick" x={LEFT - 8} y={y(tick) + 4} text-anchor="end">
              {format(tick)}
            </text>
          </g>
        ))}
        {at !== null && (
          <rect class="day-cursor" x={LEFT + slot * at} y={TOP} width={slot} height={bottom - TOP} />
        )}
        {series.map(({ name, color }, place) => (
          <path
            key={name}
            class="plot-bars"
            style={{ color: `var(${color})` }}
            d={partsOf(series, place, { days: days.length, x, y, bar })}
          />
        ))}
        {days.map(
          (day, index) =>
            (days.length - 1 - index) % every === 0 && (
              <text
                key={day}
                class="plot-tick"
                x={index === days.length - 1 ? width : x(index)}
                y={HEIGHT - 6}
                text-anchor={index === days.length - 1 ? 'end' : 'middle'}
              >
                {shortDay(day)}
              </text>
            ),
        )}
      </svg>
      {at !== null && (
        <div class={x(at) > width / 2 ? 'day-values is-left' : 'day-values'} style={placeOf(x(at), width)}>
          <strong>
            {shortDay(days[at] ?? '')}: {format(sums[at] ?? 0)}
          </strong>
          {series
            .filter(({ values }) => (values[at] ?? 0) > 0)
            .map(({ name, color, values }) => (
              <span key={name}>
                <i style={{ background: `var(${color})` }} />
                <span class="name">{visible(name)}</span> {format(values[at] ?? 0)}
              </span>
            ))}
        </div>
      )}
    </div>
  );
}

/** The parts of all bars that are of one series, on top of those before it. */
function partsOf(
  series: readonly Series[],
  place: number,
  {
    days,
    x,
    y,
    bar,
  }: { days: number; x: (day: number) => number; y: (value: number) => number; bar: number },
): string {
  let path = '';
  for (let day = 0; day < days; day += 1) {
    const value = series[place]?.values[day] ?? 0;
    if (value <= 0) continue;
    let below = 0;
    for (let under = 0; under < place; under += 1) below += series[under]?.values[day] ?? 0;
    const [from, to] = [y(below), y(below + value)];
    path += `M${round(x(day) - bar / 2)} ${round(from)}V${round(to)}h${round(bar)}V${round(from)}Z`;
  }
  return path;
}

function placeOf(x: number, width: number): Record<string, string> {
  return x > width / 2 ? { right: `${round(width - x + 14)}px` } : { left: `${round(x + 14)}px` };
}

const dayFormat = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' });

function shortDay(day: string): string {
  const at = Date.parse(`${day}T00:00:00Z`);
  return Number.isNaN(at) ? day : dayFormat.format(at);
}

function round(pixels: number): number {
  return Math.round(pixels * 10) / 10;
}
