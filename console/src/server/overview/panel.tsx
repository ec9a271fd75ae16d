import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { lazyView } from '../../routing/lazy-view.js';
import { exactTime } from '../../ui/time.js';
import { valueAt, type Moment, type PanelSpec } from './panels.js';

const Plot = lazyView(async () => (await import('../../ui/plot/small-plot.js')).SmallPlot);
/** Shorter histories are shown as if they were so long (s). */
const MIN_SPAN = 60;
const HEIGHT = 72;

/** A plot with its current, smallest and largest values. */
export function Panel({ spec, moments }: { spec: PanelSpec; moments: readonly Moment[] }) {
  const pointed = useSignal<number | null>(null);
  const { title, help, format } = spec;
  const { lines, times } = useMemo(
    () => ({
      lines: spec.lines.map((line) => ({ ...line, values: moments.map((moment) => valueAt(line, moment)) })),
      times: moments.map(({ at }) => at),
    }),
    [spec, moments],
  );
  const to = times.at(-1) ?? 0;
  const from = Math.min(times[0] ?? 0, to - MIN_SPAN);
  const index = pointed.value ?? moments.length - 1;
  const at = pointed.value === null ? undefined : moments[pointed.value]?.at;
  const shown = (value: number | null | undefined): string =>
    typeof value === 'number' ? format(value) : '–';
  const [main] = lines;
  const range = main && rangeOf(main.values);
  return (
    <section class="panel card" aria-label={title}>
      <header>
        <h3 title={help}>{title}</h3>
        <span class="panel-range">
          {at !== undefined
            ? exactTime(new Date(at * 1000).toISOString())
            : range && (
                <span title="Smallest and largest value since this page began to collect, at most an hour ago">
                  {shown(range.min) === shown(range.max)
                    ? 'no change'
                    : `${shown(range.min)} to ${shown(range.max)}`}
                </span>
              )}
        </span>
      </header>
      <div class="panel-values">
        <strong>{shown(main?.values[index])}</strong>
        {lines.length > 1 && (
          <ul>
            {lines.map((line) => (
              <li key={line.label}>
                <span>
                  <i
                    class={line.isLimit ? 'dashed' : ''}
                    style={{ color: `var(${line.color})` }}
                    aria-hidden="true"
                  />
                  {line.label}
                </span>
                <span>{shown(line.values[index])}</span>
              </li>
            ))}
          </ul>
        )}
      </div>
      <Plot
        times={times}
        from={from}
        to={to}
        lines={lines}
        description={describe(spec, lines, to - (times[0] ?? to))}
        height={HEIGHT}
        group="server"
        onPoint={(point) => {
          pointed.value = point;
        }}
      />
    </section>
  );
}

interface Values {
  label: string;
  values: readonly (number | null)[];
}

/** The plot in words. */
function describe({ title, format, help }: PanelSpec, lines: readonly Values[], seconds: number): string {
  const parts = lines.flatMap(({ label, values }) => {
    const range = rangeOf(values);
    const last = values.at(-1);
    if (range === undefined) return [];
    const now = typeof last === 'number' ? `now ${format(last)}, ` : '';
    return [`${label}: ${now}from ${format(range.min)} to ${format(range.max)}`];
  });
  const span = `in the last ${Math.max(1, Math.round(seconds / 60))} min`;
  return `${title}, ${span}. ${parts.length > 0 ? parts.join('; ') : 'No values yet'}. ${help}`;
}

function rangeOf(values: readonly (number | null)[]): { min: number; max: number } | undefined {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return undefined;
  // Spreading 720 values is fine; the history has no more.
  return { min: Math.min(...known), max: Math.max(...known) };
}
