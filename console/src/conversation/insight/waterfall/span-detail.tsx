import { Button } from '../../../ui/button.js';
import { compact, money } from '../../../ui/numbers.js';
import { oneLine, visible } from '../../../ui/safe-text.js';
import { duration, exactTime } from '../../../ui/time.js';
import { KINDS } from '../kinds.js';
import type { Bar } from './timeline-model.js';

const FAILURES: Readonly<Record<string, string>> = {
  model: 'No answer came: the call failed, or the run was stopped.',
  confirmation: 'Rejected.',
};

/** What is known of a span. */
export function SpanDetail({
  bar,
  onShowEvent,
}: {
  bar: Bar | undefined;
  onShowEvent: (eventId: string) => void;
}) {
  if (bar === undefined) {
    return (
      <p class="wf-detail insight-soft">
        Point at a row or move to it with the arrow keys. Enter shows its event.
      </p>
    );
  }
  const { span, from, to } = bar;
  const { usage, derived, event_id: eventId, result_event_id: resultId } = span;
  return (
    <div class="wf-detail">
      <div class="wf-detail-head">
        <span class={`wf-swatch kind-${span.kind}`} aria-hidden="true" />
        <strong>{oneLine(span.name, 80) || KINDS[span.kind].label}</strong>
        <span class="insight-soft">
          {KINDS[span.kind].label}, step {span.step}
        </span>
        {span.failed && <span class="wf-failed">{FAILURES[span.kind] ?? 'Failed.'}</span>}
        {!span.active && <span class="insight-soft">On a branch that was left.</span>}
        {span.copied && <span class="insight-soft">Copied by a fork.</span>}
      </div>
      {span.detail !== '' && <code class="wf-what">{visible(span.detail)}</code>}
      <dl class="wf-facts">
        <Fact
          name="Duration"
          value={span.ended_at === null ? `${duration(to - from)} so far` : duration(to - from)}
        />
        <Fact name="From" value={exactTime(span.started_at)} />
        {usage && (
          <Fact
            name="Tokens"
            value={`${compact(usage.prompt_tokens)} in, ${compact(usage.completion_tokens)} out`}
          />
        )}
        {usage && usage.cache_read_tokens > 0 && (
          <Fact name="From cache" value={compact(usage.cache_read_tokens)} />
        )}
        {usage && <Fact name="Cost" value={usage.cost === null ? 'unknown' : money(usage.cost)} />}
        {span.forgotten_events > 0 && <Fact name="Condensed" value={`${span.forgotten_events} events`} />}
      </dl>
      {derived.length > 0 && (
        <p class="insight-soft">
          The log does not record its{' '}
          {derived.map((name) => (name === 'started_at' ? 'start' : 'end')).join(' and ')}: shown is the
          nearest event.
        </p>
      )}
      <div class="wf-detail-actions">
        {eventId !== null && (
          <Button kind="quiet" onClick={() => onShowEvent(eventId)}>
            Show event
          </Button>
        )}
        {resultId !== null && resultId !== eventId && (
          <Button kind="quiet" onClick={() => onShowEvent(resultId)}>
            Show what ended it
          </Button>
        )}
      </div>
    </div>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
