import { Injectable } from '@nestjs/common';
import { AutomationStore } from '../../storage/index.js';
import type { Automation } from '../definitions/automation.js';
import { toAutomation } from '../definitions/stored-automation.js';
import type { ChainTrigger } from '../definitions/trigger.js';
import type { AutomationRun } from './automation-run.js';
import type { RunOutcome } from './run-outcome.js';
import { RunRequests } from './run-requests.js';

/** The source of events that tell of the end of a run or a conversation. */
const SOURCE = 'chain';

/** Starts automations after runs of others. */
@Injectable()
export class RunChains {
  constructor(
    private readonly store: AutomationStore,
    private readonly requests: RunRequests,
  ) {}

  /** Requests the runs that follow a run. A second call for the same run requests nothing more. */
  async follow(run: AutomationRun, outcome: RunOutcome): Promise<void> {
    const { id, automation_id, conversation_id, ancestors } = run;
    const all = (await this.store.list()).map(toAutomation);
    const ended = all.find((automation) => automation.id === automation_id);
    for (const automation of all) {
      const { trigger } = automation;
      if (trigger.type !== 'chain' || trigger.automation_id !== automation_id) continue;
      if (!trigger.on.includes(outcome.status) || !mayFollow(automation, ended)) continue;
      await this.requests.request(automation.id, {
        trigger_source: 'chain',
        occurrence: `run ${id}`,
        source: SOURCE,
        ancestors: [...ancestors, automation_id],
        payload: {
          run_id: id,
          automation_id,
          automation_name: ended?.name ?? null,
          conversation_id,
          status: outcome.status,
          error: outcome.error,
          response: outcome.response,
          cost: outcome.cost,
        },
      });
    }
  }
}

/** Whether the end of one automation is of any concern for another: a key sees only what is its own. */
function mayFollow({ owner_key: owner }: Automation, ended: Automation | undefined): boolean {
  return owner === null || owner === ended?.owner_key;
}

/** Whether a conversation of a key is of any concern for a chain. */
export function concerns(
  trigger: ChainTrigger,
  status: string,
  tags: Readonly<Record<string, string>>,
): boolean {
  if (trigger.automation_id !== null || !trigger.on.includes(status)) return false;
  return Object.entries(trigger.tags).every(([name, value]) => tags[name] === value);
}
