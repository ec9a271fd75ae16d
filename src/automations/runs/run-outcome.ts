import type { JsonObject } from '../../json/index.js';
import type { AutomationChange, AutomationView } from '../../storage/index.js';
import type { AutomationDefinition, AutomationState } from '../definitions/automation.js';
import { toAutomation, toState } from '../definitions/stored-automation.js';
import {
  type AutomationRun,
  detailOf,
  type FailureKind,
  newRun,
  runIdFor,
  skipped,
  toRun,
} from './automation-run.js';

/** What has become of a run. */
export interface RunOutcome {
  status: 'COMPLETED' | 'FAILED' | 'CANCELLED';
  /** Why it has failed, as a sentence; null otherwise. */
  error: string | null;
  kind: FailureKind | null;
  /** US dollars; null if nothing was spent or nobody knows. */
  cost: number | null;
  /** What the agent said last. */
  response: string | null;
}

/** Failures that do not pass by themselves. */
const PERMANENT: readonly FailureKind[] = ['auth', 'config', 'quota', 'blocked'];
/** Permanent failures in a row after which an automation is switched off, as in the original. */
const MAX_PERMANENT = 3;
/** Pauses between repetitions are not longer (ms). */
const MAX_PAUSE_MS = 3_600_000;
const MAX_ERROR = 2_000;
const MAX_RESPONSE = 4_000;

/** A run that has failed. */
export function failure(kind: FailureKind, error: string, cost: number | null = null): RunOutcome {
  return { status: 'FAILED', error: error.slice(0, MAX_ERROR), kind, cost, response: null };
}

/** A run whose agent has done its work. */
export function completed(cost: number, response: string | null): RunOutcome {
  return { status: 'COMPLETED', error: null, kind: null, cost, response };
}

/** A run that somebody has stopped. */
export function cancelled(reason: string, cost: number | null = null): RunOutcome {
  return { status: 'CANCELLED', error: reason, kind: null, cost, response: null };
}

/**
 * What is written when a run ends: the run, a repetition of it, what is counted, and whether the automation
 * is switched off. The run is one that is not over.
 */
export function endOfRun(
  view: AutomationView,
  run: AutomationRun,
  outcome: RunOutcome,
  now: number,
): AutomationChange & { runs: AutomationRun[] } {
  const definition = toAutomation(view);
  const ended = endedRun(run, outcome, now);
  const state = counted(toState(view.state), run, outcome, now);
  const reason =
    view.is_deleted || !definition.enabled ? undefined : reasonToDisable(definition, state, ended);
  const isLive = definition.enabled && !view.is_deleted && reason === undefined;
  const again = isLive ? repetition(run, definition, outcome, now) : undefined;
  const change = { runs: [ended, ...(again ? [again] : [])], state: { ...state } };
  if (reason === undefined) return change;
  const disabled = disable(view, reason, now, { reason: reason.text, source: 'automatic', ...reason.detail });
  return { ...change, definition: disabled.definition, runs: [ended, ...disabled.runs] };
}

/** What is written when an automation is switched off: runs that wait for their start are skipped. */
export function disable(
  view: AutomationView,
  reason: { text: string },
  now: number,
  detail: JsonObject,
): { definition: JsonObject; runs: AutomationRun[] } {
  const waiting = view.open.map(toRun).filter(({ status }) => status === 'PENDING');
  return {
    definition: {
      ...view.definition,
      enabled: false,
      disabled_reason: reason.text,
      disabled_detail: detail,
      disabled_at: new Date(now).toISOString(),
    },
    runs: waiting.map((run) => skipped(run, 'Automation disabled', 'blocked', now)),
  };
}

function endedRun(run: AutomationRun, outcome: RunOutcome, now: number): AutomationRun {
  const at = new Date(now).toISOString();
  const { status, error, kind, cost } = outcome;
  return {
    ...run,
    status,
    error_detail: error,
    status_detail: kind === null || error === null ? null : detailOf('execution', kind, error, at),
    cost: cost ?? run.cost,
    // Averages of the web UI count from 1970 otherwise.
    started_at: run.started_at ?? at,
    completed_at: at,
    run_metadata: metadataOf(run, outcome),
    payload: null,
    turns: [],
    message: null,
    worker: null,
    worker_until: null,
  };
}

/** How clients show what a run has come to: in the fields of the `finish` tool of the original. */
function metadataOf({ run_metadata: before }: AutomationRun, outcome: RunOutcome): JsonObject | null {
  const { status, kind, error, response } = outcome;
  const word = status === 'COMPLETED' ? 'success' : kind === 'blocked' ? 'blocked' : 'failed';
  const summary = status === 'COMPLETED' ? response : error;
  if (status === 'CANCELLED' || summary === null) return before;
  return {
    ...before,
    finish_tool_response: { status: word, outcome_summary: summary.slice(0, MAX_RESPONSE) },
  };
}

function counted(
  state: AutomationState,
  run: AutomationRun,
  outcome: RunOutcome,
  now: number,
): AutomationState {
  const { status, kind } = outcome;
  if (status === 'CANCELLED') return state;
  const first_run = state.first_run ?? { run_id: run.id, status, completed_at: new Date(now).toISOString() };
  if (status === 'COMPLETED') return { ...state, first_run, failures: 0, permanent_failures: 0 };
  const isPermanent = kind !== null && PERMANENT.includes(kind);
  return {
    ...state,
    first_run,
    failures: state.failures + 1,
    permanent_failures: isPermanent ? state.permanent_failures + 1 : 0,
  };
}

function reasonToDisable(
  { disable_after_failures: limit }: AutomationDefinition,
  { failures, permanent_failures }: AutomationState,
  run: AutomationRun,
): { text: string; detail: JsonObject } | undefined {
  if (run.status !== 'FAILED') return undefined;
  const last = `The last one: ${run.error_detail ?? 'unknown'}`;
  if (permanent_failures >= MAX_PERMANENT)
    return {
      text: `Switched off after ${permanent_failures} runs in a row that failed for a reason that does not pass by itself. ${last}`,
      detail: {
        run_id: run.id,
        rule: 'permanent_failures',
        threshold: MAX_PERMANENT,
        count: permanent_failures,
      },
    };
  if (limit === null || failures < limit) return undefined;
  return {
    text: `Switched off after ${failures} failed runs in a row. ${last}`,
    detail: { run_id: run.id, rule: 'failures', threshold: limit, count: failures },
  };
}

function repetition(
  run: AutomationRun,
  { max_retries: retries, retry_pause: pause }: AutomationDefinition,
  { status, kind }: RunOutcome,
  now: number,
): AutomationRun | undefined {
  const isHopeless = kind === null || PERMANENT.includes(kind);
  if (status !== 'FAILED' || isHopeless || run.attempt > retries) return undefined;
  const pauseMs = Math.min(MAX_PAUSE_MS, pause * 1000 * 2 ** (run.attempt - 1));
  const { trigger_source, scheduled_at, source, subject_key, ancestors, payload, turns, variant } = run;
  return newRun(runIdFor(run.automation_id, `retry ${run.id}`), run.automation_id, now, {
    ...{ trigger_source, scheduled_at, source, subject_key, ancestors, payload, turns, variant },
    attempt: run.attempt + 1,
    retry_of: run.id,
    not_before: new Date(now + pauseMs).toISOString(),
    waits: true,
  });
}
