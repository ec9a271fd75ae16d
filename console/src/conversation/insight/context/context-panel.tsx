import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { EmptyState } from '../../../ui/empty-state.js';
import { compact } from '../../../ui/numbers.js';
import { Age } from '../../../ui/time.js';
import { percent, stepAt } from '../cost/cost-panel.js';
import { Figures, Legend, NumbersTable } from '../figures.js';
import { readSummary, type Summary } from '../insight-api.js';
import type { InsightProps } from '../insight-props.js';
import { useLiveData } from '../live-data.js';
import { PanelFrame } from '../panel-frame.js';
import { SeriesPlot, type PlotSeries } from '../series-plot.js';

/** How full the context window of the agent's model was, and when the history was condensed. */
export function ContextPanel({ conversationId, info, onShowEvent }: InsightProps) {
  const live = useLiveData(info, conversationId, () => readSummary(conversationId));
  return (
    <PanelFrame live={live}>
      {(summary) =>
        summary.points.some(({ context_tokens }) => context_tokens !== null) ? (
          <Fill summary={summary} onShowEvent={onShowEvent} />
        ) : (
          <EmptyState title="The agent has not asked its model yet">
            <p>After the first answer this shows how much of the context window the conversation takes.</p>
          </EmptyState>
        )
      }
    </PanelFrame>
  );
}

function Fill({ summary, onShowEvent }: { summary: Summary; onShowEvent: (eventId: string) => void }) {
  const { condensations } = summary;
  const index = useSignal<number | null>(null);
  const points = useMemo(
    () => summary.points.filter(({ context_tokens }) => context_tokens !== null),
    [summary.points],
  );
  const xs = useMemo(() => points.map((_, place) => place + 1), [points]);
  const window = points.findLast(({ context_window }) => context_window !== null)?.context_window ?? null;
  const series = useMemo((): PlotSeries[] => {
    const fill: PlotSeries = {
      label: 'Context',
      colour: '--plot-1',
      shape: 'area',
      values: points.map(({ context_tokens }) => context_tokens),
    };
    const limit = points.map(({ context_window }) => context_window);
    return window === null
      ? [fill]
      : [fill, { label: 'Window', colour: '--plot-6', dashed: true, values: limit }];
  }, [points, window]);
  const marks = useMemo(
    () => ({
      colour: '--plot-5',
      // A condensation stands between the step before it and the next one.
      at: condensations.map(({ step }) => points.filter((point) => point.step <= step).length + 0.5),
    }),
    [condensations, points],
  );
  const last = points.at(-1)?.context_tokens ?? 0;
  const largest = Math.max(...points.map(({ context_tokens }) => context_tokens ?? 0));
  const point = index.value === null ? undefined : points[index.value];
  return (
    <>
      <Figures
        figures={[
          { label: 'Now', value: compact(last), note: window === null ? 'tokens' : `of ${compact(window)}` },
          { label: 'Most', value: compact(largest) },
          { label: 'Condensations', value: compact(condensations.length) },
        ]}
      />
      {window === null ? (
        <p class="insight-soft">
          The size of this model's context window is not known, so its fill has no limit here.
        </p>
      ) : (
        <div
          class="meter"
          role="meter"
          aria-label="Fill of the context window"
          aria-valuenow={last}
          aria-valuemin={0}
          aria-valuemax={window}
          aria-valuetext={`${percent(last, window)} of ${compact(window)} tokens`}
        >
          <span
            class={last > 0.8 * window ? 'full' : undefined}
            style={{ width: `${Math.min(100, (100 * last) / window)}%` }}
          />
          <b>{percent(last, window)}</b>
        </div>
      )}
      <section>
        <h3>Tokens in the context</h3>
        <SeriesPlot
          label={`Tokens in the context over ${points.length} points, ${compact(last)} at the end.`}
          xs={xs}
          series={series}
          marks={marks}
          format={compact}
          formatX={(x) => stepAt(points, x)}
          onPoint={(place) => (index.value = place)}
          onChoose={(place) => {
            const eventId = points[place]?.event_id;
            if (eventId) onShowEvent(eventId);
          }}
        />
        <Legend
          entries={[
            { label: 'Context', colour: '--plot-1', value: point && compact(point.context_tokens ?? 0) },
            ...(window === null ? [] : [{ label: 'Window', colour: '--plot-6' }]),
            ...(condensations.length > 0 ? [{ label: 'Condensed', colour: '--plot-5' }] : []),
          ]}
        />
      </section>
      <section>
        <h3>Condensations</h3>
        {condensations.length === 0 ? (
          <p class="insight-soft">
            The whole history is still in the context. When it grows too long, a model summarises the older
            part.
          </p>
        ) : (
          <ul class="insight-list">
            {condensations
              .toReversed()
              .map(({ event_id: eventId, step, at, forgotten_events: forgotten }) => (
                <li key={eventId}>
                  <button type="button" class="link" onClick={() => onShowEvent(eventId)}>
                    After step {step}
                  </button>
                  <span>{forgotten.toLocaleString()} events became a summary</span>
                  <Age at={at} />
                </li>
              ))}
          </ul>
        )}
      </section>
      <NumbersTable
        summary="Numbers of each step"
        columns={['Step', 'Context', 'Window', 'Fill']}
        rows={() =>
          points
            .toReversed()
            .map(({ step, context_tokens, context_window }) => [
              step,
              (context_tokens ?? 0).toLocaleString(),
              context_window?.toLocaleString() ?? 'unknown',
              context_window === null ? '' : percent(context_tokens ?? 0, context_window),
            ])
        }
      />
    </>
  );
}
