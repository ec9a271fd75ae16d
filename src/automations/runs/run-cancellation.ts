import { Injectable } from '@nestjs/common';
import { meters } from '../../meters/index.js';
import { AutomationStore, isOpenRun } from '../../storage/index.js';
import { runNotFound } from '../automation-errors.js';
import { Clock } from '../clock.js';
import { AutomationChanges } from './automation-changes.js';
import { type AutomationRun, toRun } from './automation-run.js';
import { RunDispatcher } from './run-dispatcher.js';
import { cancelled, endOfRun } from './run-outcome.js';

/** Cancels runs, whatever they wait for or work on, on whichever server. */
@Injectable()
export class RunCancellation {
  constructor(
    private readonly store: AutomationStore,
    private readonly dispatcher: RunDispatcher,
    private readonly changes: AutomationChanges,
    private readonly clock: Clock,
  ) {}

  /**
   * Resolves when the agent has stopped. One that another server runs stops as soon as that has heard of it.
   * @returns the run as it is then; it may have ended by itself
   */
  async cancel(run: AutomationRun): Promise<AutomationRun> {
    const { id, automation_id: automationId } = run;
    const stopped = this.dispatcher.cancel(id);
    if (stopped) await stopped;
    else {
      const isCancelled = await this.store.change(automationId, [id], (view) => {
        const stored = view.runs.get(id);
        if (!stored || !isOpenRun(stored)) return { result: undefined };
        const outcome = cancelled('Cancelled by user');
        return { change: endOfRun(view, toRun(stored), outcome, this.clock.now()), result: true };
      });
      if (isCancelled) meters.automationRunsEnded.CANCELLED.add();
      this.changes.tell(automationId);
    }
    const now = await this.store.run(id);
    if (!now) throw runNotFound();
    return toRun(now);
  }
}
