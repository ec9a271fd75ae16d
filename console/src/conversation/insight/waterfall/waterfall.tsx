import { useComputed, useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { Button } from '../../../ui/button.js';
import { EmptyState } from '../../../ui/empty-state.js';
import { duration, useNow } from '../../../ui/time.js';
import type { SpanKind, TimelinePage } from '../insight-api.js';
import type { InsightProps } from '../insight-props.js';
import { isWait } from '../kinds.js';
import { useLiveData } from '../live-data.js';
import { PanelFrame } from '../panel-frame.js';
import { Overview, type TimeWindow } from './overview.js';
import { SpanDetail } from './span-detail.js';
import { TimeAxis } from './time-axis.js';
import { TimeScale } from './time-scale.js';
import { TimelineModel, type Bar } from './timeline-model.js';
import { TotalsBar } from './totals-bar.js';
import { WaterfallRows } from './waterfall-rows.js';

/** The shortest part of the time that rows can show (ms on the scale). */
const MIN_WINDOW = 5;

/** Where the time of a conversation went: a bar for each answer, tool call and wait. */
export function Waterfall({ conversationId, info, onShowEvent }: InsightProps) {
  const model = useMemo(() => new TimelineModel(conversationId), [conversationId]);
  const live = useLiveData(info, conversationId, () => model.refresh());
  return (
    <PanelFrame live={live}>
      {(page) =>
        page.events === 0 || (model.ended.value.length === 0 && model.open.value.length === 0) ? (
          <EmptyState title="Nothing has happened yet">
            <p>When the agent runs, this shows how long it waited for its model, its tools and people.</p>
          </EmptyState>
        ) : (
          <Chart model={model} page={page} folder={folderOf(info.value)} onShowEvent={onShowEvent} />
        )
      }
    </PanelFrame>
  );
}

/** The beginning of paths in the working directory; empty if it is not known. */
function folderOf(info: InsightProps['info']['value']): string {
  return info === null || info.workspace.working_dir === '' ? '' : `${info.workspace.working_dir}/`;
}

function Chart({
  model,
  page,
  folder,
  onShowEvent,
}: {
  model: TimelineModel;
  page: TimelinePage;
  folder: string;
  onShowEvent: (eventId: string) => void;
}) {
  const hidden = useSignal<ReadonlySet<SpanKind>>(new Set());
  const shortens = useSignal(true);
  const chosen = useSignal<TimeWindow | null>(null);
  const activeId = useSignal<string | null>(null);
  const now = useNow();
  const all = useComputed((): readonly Bar[] => [...model.ended.value, ...model.open.value]).value;
  const hasOpen = model.open.value.length > 0;
  // Only what is in progress grows with the time.
  const bars = useMemo(
    () =>
      hasOpen
        ? all.map((bar) => (Number.isFinite(bar.to) ? bar : { ...bar, to: Math.max(bar.from, now) }))
        : all,
    [all, hasOpen ? now : 0],
  );
  const scale = useMemo(() => scaleOf(bars, shortens.value), [bars, shortens.value]);
  const shown = chosen.value ?? { from: scale.from, to: scale.to };
  const rows = useMemo(
    () =>
      bars.filter(
        ({ span, from, to }) => !hidden.value.has(span.kind) && to >= shown.from && from <= shown.to,
      ),
    [bars, hidden.value, shown.from, shown.to],
  );
  const choosePlaces = (from: number, to: number): void => {
    const isAll = from <= 0 && to >= scale.length;
    chosen.value = isAll
      ? null
      : { from: scale.timeAt(Math.max(0, from)), to: scale.timeAt(Math.min(scale.length, to)) };
  };
  const zoom = (factor: number): void => {
    const [from, to] = [scale.placeOf(shown.from), scale.placeOf(shown.to)];
    const active = bars.find(({ span }) => span.id === activeId.value);
    const place = active && scale.placeOf((active.from + active.to) / 2);
    const middle = place !== undefined && place >= from && place <= to ? place : (from + to) / 2;
    const half = Math.max(MIN_WINDOW, (to - from) * factor) / 2;
    choosePlaces(middle - half, middle + half);
  };
  const pan = (share: number): void => {
    const [from, to] = [scale.placeOf(shown.from), scale.placeOf(shown.to)];
    const length = to - from;
    const start = Math.min(Math.max(0, from + share * length), scale.length - length);
    choosePlaces(start, start + length);
  };
  const reset = (): void => void (chosen.value = null);
  return (
    <div class="wf">
      <TotalsBar totals={page.totals} hidden={hidden} />
      <div class="wf-tools">
        <label class="check">
          <input
            type="checkbox"
            checked={shortens.value}
            onChange={(event) => (shortens.value = event.currentTarget.checked)}
          />
          Shorten waits for people
        </label>
        {model.hasOlder.value && !model.isFull.value && (
          <Button kind="quiet" busy={model.isLoadingOlder.value} onClick={() => void model.loadOlder()}>
            Load earlier
          </Button>
        )}
        {model.problem.value !== null && <span role="alert">{model.problem.value}</span>}
        <span class="wf-zoom" role="group" aria-label="Zoom">
          <Button kind="quiet" square aria-label="Show a longer time" onClick={() => zoom(2)}>
            −
          </Button>
          <Button kind="quiet" square aria-label="Show a shorter time" onClick={() => zoom(0.5)}>
            +
          </Button>
          <Button kind="quiet" disabled={chosen.value === null} onClick={reset}>
            All
          </Button>
        </span>
      </div>
      <Overview bars={bars} scale={scale} shown={shown} onChoose={(next) => (chosen.value = next)} />
      <TimeAxis scale={scale} shown={shown} />
      <WaterfallRows
        bars={rows}
        scale={scale}
        shown={shown}
        activeId={activeId.value}
        folder={folder}
        onActivate={({ span }) => (activeId.value = span.id)}
        onShowEvent={onShowEvent}
        onZoom={zoom}
        onPan={pan}
        onReset={reset}
      />
      <SpanDetail bar={rows.find(({ span }) => span.id === activeId.value)} onShowEvent={onShowEvent} />
      <p class="insight-soft wf-note">
        {rows.length.toLocaleString()} spans in {duration(shown.to - shown.from)}
        {model.hasOlder.value ? '; earlier ones are not loaded' : ''}. Soft edges are boundaries that the log
        does not record.
      </p>
    </div>
  );
}

function scaleOf(bars: readonly Bar[], shortens: boolean): TimeScale {
  const from = Math.min(...rangeEnds(bars, 'from'));
  const to = Math.max(...rangeEnds(bars, 'to'));
  const gaps = shortens ? bars.filter(({ span }) => isWait(span.kind)) : [];
  return new TimeScale(from, Math.max(to, from + 1), gaps);
}

/** The first and the last of a list of up to many thousand numbers, which are no arguments of one call. */
function rangeEnds(bars: readonly Bar[], name: 'from' | 'to'): number[] {
  const [first] = bars;
  if (first === undefined) return [0];
  let [low, high] = [first[name], first[name]];
  for (const bar of bars) {
    low = Math.min(low, bar[name]);
    high = Math.max(high, bar[name]);
  }
  return [low, high];
}
