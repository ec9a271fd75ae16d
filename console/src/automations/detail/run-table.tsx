import type { Schemas } from '../../api/client.js';
import { mayWrite } from '../../api/current-key.js';
import { Button } from '../../ui/button.js';
import { EmptyState } from '../../ui/empty-state.js';
import { money } from '../../ui/numbers.js';
import { oneLine } from '../../ui/safe-text.js';
import { Badge } from '../../ui/status.js';
import { Age, duration } from '../../ui/time.js';
import {
  isOpen,
  resultText,
  runLabel,
  runTone,
  sourceLabel,
  variantText,
  type Automation,
  type Run,
} from '../automation-texts.js';
import { useSteering } from '../steering.js';

/** Most of a result, or of an error, that is shown (characters). */
const MAX_TEXT = 400;

/** The history of an automation. */
export function RunTable({
  page: { runs, total, status_counts: counts },
  automation,
  onChanged,
  onMore,
}: {
  page: Schemas['AutomationRunList'];
  automation: Automation;
  onChanged: () => void;
  onMore: () => void;
}) {
  const steering = useSteering(automation, onChanged);
  if (total === 0)
    return (
      <EmptyState title="No run yet">
        <p>Runs appear here as soon as the automation is due, or is started by hand.</p>
      </EmptyState>
    );
  return (
    <>
      <p class="soft">
        {total.toLocaleString()} in all
        {Object.entries(counts)
          .filter(([, count]) => count > 0)
          .map(([status, count]) => `, ${count.toLocaleString()} ${status.toLowerCase()}`)}
      </p>
      <ul class="card entries" aria-label="Runs">
        {runs.map((run) => (
          <RunRow key={run.id} run={run} isBusy={steering.isBusy} onCancel={() => steering.cancel(run)} />
        ))}
      </ul>
      {runs.length < Math.min(total, 1_000) && <Button onClick={onMore}>Show more</Button>}
    </>
  );
}

function RunRow({ run, isBusy, onCancel }: { run: Run; isBusy: boolean; onCancel: () => void }) {
  const { status, created_at, started_at, completed_at, conversation_id: conversation, cost } = run;
  const [result, variant] = [resultText(run), variantText(run)];
  const took =
    started_at === null || completed_at === null || status === 'SKIPPED'
      ? undefined
      : Date.parse(completed_at) - Date.parse(started_at);
  return (
    <li>
      <div class="entry-main">
        <p class="automations-facts">
          <Badge tone={runTone(status)}>{runLabel(status)}</Badge>
          <Age at={created_at} />
          <span class="soft">{sourceLabel(run.trigger_source)}</span>
          {variant !== undefined && <span class="soft">variant {oneLine(variant, 80)}</span>}
          {run.attempt > 1 && <span class="soft">attempt {run.attempt}</span>}
          {took !== undefined && <span class="soft">{duration(took)}</span>}
          {cost !== null && <span class="soft">{money(cost)}</span>}
          {isOpen(run) && run.phase_label !== null && (
            <span class="soft">{oneLine(run.phase_label, 80)}</span>
          )}
        </p>
        {result !== undefined && <p>{oneLine(result, MAX_TEXT)}</p>}
        {run.error_detail !== null && (
          <p class={status === 'FAILED' ? 'field-problem' : 'fainter'}>
            {oneLine(run.error_detail, MAX_TEXT)}
          </p>
        )}
      </div>
      <div class="entry-actions">
        {conversation !== null && (
          <a class="button plain" href={`conversations/${conversation}`}>
            Conversation
          </a>
        )}
        {mayWrite() && isOpen(run) && (
          <Button busy={isBusy} onClick={onCancel}>
            Cancel
          </Button>
        )}
      </div>
    </li>
  );
}
