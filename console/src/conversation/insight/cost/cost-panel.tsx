import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { EmptyState } from '../../../ui/empty-state.js';
import { compact, money } from '../../../ui/numbers.js';
import { oneLine } from '../../../ui/safe-text.js';
import { exactTime } from '../../../ui/time.js';
import { Figures, Legend, NumbersTable, OpenTable } from '../figures.js';
import { readSummary, type Summary, type UsagePoint } from '../insight-api.js';
import type { InsightProps } from '../insight-props.js';
import { useLiveData } from '../live-data.js';
import { PanelFrame } from '../panel-frame.js';
import { SeriesPlot, type PlotSeries } from '../series-plot.js';

/** What a conversation cost, and which tokens it took, step by step. */
export function CostPanel({ conversationId, info, onShowEvent }: InsightProps) {
  const live = useLiveData(info, conversationId, () => readSummary(conversationId));
  return (
    <PanelFrame live={live}>
      {(summary) =>
        summary.points.length === 0 ? (
          <EmptyState title="No model has answered yet">
            <p>
              After the first answer this shows what the conversation costs, and which tokens each step takes.
            </p>
          </EmptyState>
        ) : (
          <Costs summary={summary} budget={budgetOf(info.value)} onShowEvent={onShowEvent} />
        )
      }
    </PanelFrame>
  );
}

function budgetOf(info: InsightProps['info']['value']): number | null {
  return info?.max_budget_per_run ?? null;
}

function Costs({
  summary,
  budget,
  onShowEvent,
}: {
  summary: Summary;
  budget: number | null;
  onShowEvent: (eventId: string) => void;
}) {
  const { points, models } = summary;
  const index = useSignal<number | null>(null);
  const xs = useMemo(() => points.map((_, place) => place + 1), [points]);
  const cost = useMemo(() => costSeries(points), [points]);
  const tokens = useMemo(() => tokenSeries(points), [points]);
  const point = index.value === null ? undefined : points[index.value];
  const show = (place: number): void => {
    const eventId = points[place]?.event_id;
    if (eventId) onShowEvent(eventId);
  };
  const sums = sumsOf(points);
  const isGrouped = points.some(({ answers }) => answers > 1);
  const shared = {
    xs,
    formatX: (x: number) => stepAt(points, x),
    onPoint: (place: number | null) => (index.value = place),
    onChoose: show,
  };
  return (
    <>
      <Figures
        figures={[
          {
            label: 'Cost',
            value: money(sums.cost),
            note: budget === null ? undefined : `of ${money(budget)}`,
          },
          { label: 'Tokens in', value: compact(sums.prompt) },
          { label: 'From cache', value: percent(sums.cached, sums.prompt) },
          { label: 'Tokens out', value: compact(sums.completion) },
          { label: 'Answers', value: compact(sums.answers) },
        ]}
      />
      <section>
        <h3>Cost so far</h3>
        {sums.cost === 0 ? (
          <p class="insight-soft">
            The models of this conversation cost nothing, or their prices are not known.
          </p>
        ) : (
          <SeriesPlot
            {...shared}
            label={`Cost over ${points.length} points, ${money(sums.cost)} at the end. The table below has the numbers.`}
            series={cost}
            format={money}
            height={150}
          />
        )}
      </section>
      <section>
        <h3>{isGrouped ? 'Tokens of an answer (means of several)' : 'Tokens of each answer'}</h3>
        <SeriesPlot
          {...shared}
          label="Tokens of each step: from the cache, new, and written. The table below has the numbers."
          series={tokens}
          format={compact}
        />
        <Legend
          entries={[
            { label: 'Written', colour: '--plot-3', value: point && compact(point.completion_tokens) },
            {
              label: 'New',
              colour: '--plot-1',
              value: point && compact(point.prompt_tokens - point.cache_read_tokens),
            },
            { label: 'From cache', colour: '--plot-2', value: point && compact(point.cache_read_tokens) },
          ]}
        />
        <p class="insight-soft plot-note" aria-hidden="true">
          {point
            ? `Step ${point.step}, ${exactTime(point.at)}: ${money(point.cost)}, ${money(point.total_cost)} so far. Click to show its event.`
            : 'Point at a step for its numbers. Drag to zoom, double-click for all.'}
        </p>
      </section>
      <section>
        <h3>By model</h3>
        <OpenTable
          columns={['Model', 'Cost', 'In', 'Cached', 'Out', 'Answers']}
          rows={models.map((model) => [
            oneLine(model.name, 60),
            money(model.cost),
            compact(model.prompt_tokens),
            percent(model.cache_read_tokens, model.prompt_tokens),
            compact(model.completion_tokens),
            compact(model.count),
          ])}
        />
      </section>
      <NumbersTable
        summary="Numbers of each step"
        columns={['Step', 'Cost', 'So far', 'In', 'Cached', 'Out', 'Event']}
        rows={() =>
          points
            .toReversed()
            .map((one) => [
              one.step,
              money(one.cost),
              money(one.total_cost),
              one.prompt_tokens.toLocaleString(),
              one.cache_read_tokens.toLocaleString(),
              one.completion_tokens.toLocaleString(),
              <ShowButton key="show" point={one} onShowEvent={onShowEvent} />,
            ])
        }
      />
    </>
  );
}

function ShowButton({ point, onShowEvent }: { point: UsagePoint; onShowEvent: (eventId: string) => void }) {
  const { event_id: eventId, step } = point;
  if (eventId === null) return null;
  return (
    <button
      type="button"
      class="link"
      aria-label={`Show the event of step ${step}`}
      onClick={() => onShowEvent(eventId)}
    >
      Show
    </button>
  );
}

function costSeries(points: readonly UsagePoint[]): PlotSeries[] {
  const values = points.map(({ total_cost }) => total_cost);
  return [{ label: 'Cost', colour: '--plot-1', shape: 'area', values }];
}

/** Bars on top of each other: each series is the sum of those below it, and the largest is drawn first. */
function tokenSeries(points: readonly UsagePoint[]): PlotSeries[] {
  const mean = (of: (point: UsagePoint) => number): number[] =>
    points.map((point) => of(point) / Math.max(1, point.answers));
  const cached = mean(({ cache_read_tokens }) => cache_read_tokens);
  const prompt = mean(({ prompt_tokens }) => prompt_tokens);
  const all = mean(({ prompt_tokens, completion_tokens }) => prompt_tokens + completion_tokens);
  return [
    { label: 'Written', colour: '--plot-3', shape: 'bars', values: all },
    { label: 'New', colour: '--plot-1', shape: 'bars', values: prompt },
    { label: 'From cache', colour: '--plot-2', shape: 'bars', values: cached },
  ];
}

function sumsOf(points: readonly UsagePoint[]) {
  const sum = (of: (point: UsagePoint) => number): number =>
    points.reduce((total, point) => total + of(point), 0);
  return {
    cost: points.at(-1)?.total_cost ?? 0,
    prompt: sum(({ prompt_tokens }) => prompt_tokens),
    cached: sum(({ cache_read_tokens }) => cache_read_tokens),
    completion: sum(({ completion_tokens }) => completion_tokens),
    answers: sum(({ answers }) => answers),
  };
}

/** The step of a place on the x axis; empty between two points. */
export function stepAt(points: readonly UsagePoint[], x: number): string {
  const point = Number.isInteger(x) ? points[x - 1] : undefined;
  return point === undefined ? '' : String(point.step);
}

/** A part of a whole in percent. */
export function percent(part: number, whole: number): string {
  return whole === 0 ? '0%' : `${Math.round((100 * part) / whole)}%`;
}
