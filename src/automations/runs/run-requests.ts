import { ConflictError, LimitError } from '../../errors/index.js';
import { Injectable } from '@nestjs/common';
import { meters } from '../../meters/index.js';
import { type AutomationDecision, AutomationStore, type AutomationView } from '../../storage/index.js';
import { Clock } from '../clock.js';
import { toState } from '../definitions/stored-automation.js';
import { AutomationChanges } from './automation-changes.js';
import { keptPayload } from './run-prompt.js';
import { type AutomationRun, type NewRun, newRun, runIdFor, skipped, toRun } from './automation-run.js';

/** Runs of an automation that may wait. */
export const MAX_WAITING = 100;
/** Messages that are added to a run that waits, as in the original. */
const MAX_TURNS = 20;
const FOLDED = 'Added to the run that waits for the same conversation';
/** Automations in a row that start each other. */
const MAX_CHAIN = 5;

/** A run that something other than the schedule asks for. */
export interface RunRequest extends NewRun {
  /** What identifies the event: a second request with it starts nothing. Undefined: each starts a run. */
  occurrence?: string;
}

/** What has become of a request. */
export interface RequestedRun {
  run: AutomationRun;
  /** False: the occurrence, or a run of its subject that still waits, has one already. */
  created: boolean;
}

/**
 * Starts runs of automations: by hand, for an event, and after other runs. The port for whatever receives
 * events: it decides which automations an event is for, and this decides what becomes of it.
 */
@Injectable()
export class RunRequests {
  constructor(
    private readonly store: AutomationStore,
    private readonly changes: AutomationChanges,
    private readonly clock: Clock,
  ) {}

  /**
   * Stores a run, which is started as soon as there is room for it. Resolves when it is durable.
   * @returns undefined if there is no such automation any more, or it is switched off
   * @throws ConflictError, LimitError if somebody asks by hand
   */
  async request(automationId: string, request: RunRequest): Promise<RequestedRun | undefined> {
    const { occurrence, ...all } = request;
    const given = { ...all, payload: all.payload ? keptPayload(all.payload) : null };
    const id = runIdFor(automationId, occurrence && `${given.trigger_source} ${occurrence}`);
    const result = await this.store.change(automationId, [id], (view) => this.decide(view, id, given));
    if (result?.created === true) {
      if (result.run.status === 'SKIPPED') meters.automationRunsEnded.SKIPPED.add();
      this.changes.tell(automationId);
    }
    return result;
  }

  private decide(
    view: AutomationView,
    id: string,
    given: NewRun,
  ): AutomationDecision<RequestedRun | undefined> {
    const isByHand = given.trigger_source === 'manual';
    const known = view.runs.get(id);
    if (known) return { result: { run: toRun(known), created: false } };
    if (view.is_deleted) return { result: undefined };
    if (view.definition['enabled'] !== true) {
      if (isByHand) throw new ConflictError('The automation is switched off. Switch it on to run it.');
      return { result: undefined };
    }
    const now = this.clock.now();
    const folded = this.folded(view, given);
    if (folded) {
      // The occurrence is claimed, so that it is not added a second time.
      const claimed = skipped(newRun(id, view.id, now, given), FOLDED, 'concurrency_limit', now);
      return { change: { runs: [folded, claimed] }, result: { run: folded, created: false } };
    }
    const waiting = view.open.filter(({ status }) => status === 'PENDING').length;
    if (waiting >= MAX_WAITING && isByHand)
      throw new LimitError(`${waiting} runs of this automation wait already; try again when some have ended`);
    const run = this.limited(newRun(id, view.id, now, given), waiting, now);
    const state = { ...toState(view.state), last_triggered_at: new Date(now).toISOString() };
    return { change: { runs: [run], state: { ...state } }, result: { run, created: true } };
  }

  /** A run that waits for the same conversation takes the message along. */
  private folded(
    view: AutomationView,
    { subject_key: subject, source, turns = [] }: NewRun,
  ): AutomationRun | undefined {
    if (subject === undefined || subject === null) return undefined;
    const waiting = view.open.map(toRun).find((run) => {
      const isSame = run.subject_key === subject && run.source === (source ?? null);
      return isSame && run.status === 'PENDING' && run.turns.length + turns.length <= MAX_TURNS;
    });
    return waiting && { ...waiting, turns: [...waiting.turns, ...turns] };
  }

  private limited(run: AutomationRun, waiting: number, now: number): AutomationRun {
    const { ancestors, automation_id: id } = run;
    if (waiting >= MAX_WAITING)
      return skipped(run, `${waiting} runs of this automation wait already`, 'concurrency_limit', now);
    if (ancestors.includes(id)) return skipped(run, 'This automation has led to itself', 'blocked', now);
    if (ancestors.length >= MAX_CHAIN)
      return skipped(run, `${MAX_CHAIN} automations have started each other already`, 'blocked', now);
    return run;
  }
}
