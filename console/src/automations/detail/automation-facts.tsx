import { Fact } from '../../ui/fact.js';
import { money } from '../../ui/numbers.js';
import { visible } from '../../ui/safe-text.js';
import { Badge } from '../../ui/status.js';
import { duration, exactTime } from '../../ui/time.js';
import { disabledText, triggerText, type Automation } from '../automation-texts.js';
import { NextRun } from '../next-run.js';

const CATCH_UP = { none: 'nothing', one: 'one run', all: 'a run each' } as const;
const OVERLAPS = { skip: 'skipped', queue: 'waits', parallel: 'runs beside it' } as const;

/** What an automation does, and when. */
export function AutomationFacts({ of: automation }: { of: Automation }) {
  const { enabled, trigger, prompt, model, timeout, repository, branch, max_budget: budget } = automation;
  const { overlap, catch_up: catchUp, max_retries: retries, workspace, disabled_at: since } = automation;
  return (
    <>
      {!enabled && (
        <p class="automations-off" role="status">
          <Badge tone="neutral">off</Badge> {visible(disabledText(automation))}
          {since !== null && <span class="fainter"> since {exactTime(since)}</span>}
        </p>
      )}
      <dl class="facts card automations-card">
        <Fact label="Trigger">{visible(triggerText(automation))}</Fact>
        {trigger.type === 'cron' && (
          <Fact label="Schedule">
            <code>{visible(String(trigger.schedule))}</code> {visible(String(trigger.timezone))}
          </Fact>
        )}
        {typeof trigger.filter === 'string' && (
          <Fact label="Filter">
            <code>{visible(trigger.filter)}</code>
          </Fact>
        )}
        {automation.next_run_at !== null && (
          <Fact label="Next run">
            <NextRun of={automation} /> <span class="fainter">({exactTime(automation.next_run_at)})</span>
          </Fact>
        )}
        <Fact label="Model">{model === null ? 'that of the agent' : visible(model)}</Fact>
        <Fact label="Time limit">{timeout === null ? 'default' : duration(timeout * 1000)}</Fact>
        {budget !== null && <Fact label="Budget of a run">{money(budget)}</Fact>}
        {repository !== undefined && (
          <Fact label="Repository">
            {visible(branch === undefined ? repository : `${repository} (${branch})`)}
          </Fact>
        )}
        {workspace !== null && <Fact label="Folder">{visible(workspace)}</Fact>}
        <Fact label="While one is active">
          {overlap === null ? 'schedule skipped, others wait' : valueOf(OVERLAPS, overlap)}
        </Fact>
        <Fact label="Missed times">{valueOf(CATCH_UP, catchUp)}</Fact>
        {retries > 0 && <Fact label="Repeats after failures">{retries}</Fact>}
      </dl>
      <section aria-labelledby="automation-prompt">
        <h2 id="automation-prompt">Prompt</h2>
        <pre class="code-block automations-prompt">{visible(prompt ?? '')}</pre>
      </section>
    </>
  );
}

function valueOf(texts: Readonly<Record<string, string>>, value: string): string {
  return texts[value] ?? visible(value);
}
