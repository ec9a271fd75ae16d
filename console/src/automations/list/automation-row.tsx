import { mayWrite } from '../../api/current-key.js';
import { useFetched } from '../../api/use-fetched.js';
import { Icon } from '../../ui/icon.js';
import { oneLine, visible } from '../../ui/safe-text.js';
import { Badge } from '../../ui/status.js';
import { Age } from '../../ui/time.js';
import { listRuns } from '../automation-requests.js';
import {
  disabledText,
  isOpen,
  runLabel,
  runTone,
  triggerText,
  type Automation,
} from '../automation-texts.js';
import { NextRun } from '../next-run.js';
import { useSteering } from '../steering.js';
import { Button } from '../../ui/button.js';

const POLL_MS = 15_000;
const MAX_TEXT = 200;

/** An automation in the list. */
export function AutomationRow({ of: automation, onChanged }: { of: Automation; onChanged: () => void }) {
  const { id, name, enabled } = automation;
  const runs = useFetched((signal) => listRuns(id, 1, signal), { subject: id, everyMs: POLL_MS });
  const last = runs.data?.runs[0];
  const steering = useSteering(automation, () => {
    runs.reload();
    onChanged();
  });
  return (
    <li>
      <div class="entry-main">
        <h2>
          <a href={`automations/${id}`}>{oneLine(name, MAX_TEXT)}</a>
          {!enabled && <Badge tone="neutral">off</Badge>}
        </h2>
        <p class="soft">{visible(triggerText(automation))}</p>
        <p class="fainter automations-facts">
          {enabled ? <NextRun of={automation} /> : <span>{oneLine(disabledText(automation), MAX_TEXT)}</span>}
          {last === undefined ? (
            <span>{runs.data === undefined ? '' : 'Never run'}</span>
          ) : (
            <span class="automations-last">
              <Badge tone={runTone(last.status)}>{runLabel(last.status)}</Badge> <Age at={last.created_at} />
              {last.conversation_id !== null && (
                <>
                  {' · '}
                  <a href={`conversations/${last.conversation_id}`}>conversation</a>
                </>
              )}
            </span>
          )}
        </p>
        {last?.status === 'FAILED' && last.error_detail !== null && (
          <p class="field-problem">{oneLine(last.error_detail, MAX_TEXT)}</p>
        )}
      </div>
      {mayWrite() && (
        <div class="entry-actions">
          {last !== undefined && isOpen(last) ? (
            <Button
              busy={steering.isBusy}
              aria-label={`Cancel: the run of ${name}`}
              onClick={() => steering.cancel(last)}
            >
              <Icon name="stop" /> Cancel
            </Button>
          ) : (
            <Button
              busy={steering.isBusy}
              disabled={!enabled}
              aria-label={`Run now: ${name}`}
              onClick={() => steering.run()}
            >
              <Icon name="play" /> Run now
            </Button>
          )}
          <label class="check automations-switch">
            <input
              type="checkbox"
              role="switch"
              aria-label={`${name} is switched on`}
              checked={enabled}
              onChange={(event) => steering.setEnabled(event.currentTarget.checked)}
            />
            On
          </label>
        </div>
      )}
    </li>
  );
}
