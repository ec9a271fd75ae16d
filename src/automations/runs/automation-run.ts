import { createHash, randomBytes } from 'node:crypto';
import type { JsonObject } from '../../json/index.js';
import { RUN_ID_PREFIX, type StoredRun } from '../../storage/index.js';
import { stableUuid } from '../../text/index.js';

/** The states of a run. */
export type RunStatus = 'PENDING' | 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'SKIPPED';

/** What has asked for a run. */
export type TriggerSource = 'cron' | 'manual' | 'event' | 'chain';

/** Why a run has failed, for programs. */
export type FailureKind =
  | 'rate_limited'
  | 'timeout'
  | 'transport'
  | 'server_error'
  | 'environment_unavailable'
  | 'execution_error'
  | 'concurrency_limit'
  | 'blocked'
  | 'auth'
  | 'config'
  | 'quota'
  | 'unknown';

/** A run of an automation. Times are UTC. */
export interface AutomationRun extends StoredRun {
  status: RunStatus;
  trigger_source: TriggerSource;
  /** The instant of the schedule; null for other triggers. */
  scheduled_at: string | null;
  /** What the event, or the end of another run, says; null without one. */
  payload: JsonObject | null;
  /** Where the event comes from; null for other triggers. */
  source: string | null;
  /** Events of one subject go to one conversation; null: a conversation of its own. */
  subject_key: string | null;
  /**
   * Messages to send in place of the prompt if the conversation of the subject exists already: that of the
   * event, and those of later events that were added while the run was waiting.
   */
  turns: string[];
  /** What the agent was told; null: it was not started yet. */
  message: string | null;
  /** Whether the agent answers that; null: it was not started yet. */
  wakes: boolean | null;
  conversation_id: string | null;
  error_detail: string | null;
  status_detail: JsonObject | null;
  phase_code: string | null;
  phase_label: string | null;
  phase_updated_at: string | null;
  /** US dollars. */
  cost: number | null;
  /** What its conversation had cost before it (US dollars); null: it is not known yet. */
  cost_before: number | null;
  /** Name of the variant of the automation that it takes; null without variants. */
  variant: string | null;
  timeout_at: string | null;
  run_metadata: JsonObject | null;
  started_at: string | null;
  completed_at: string | null;
  /** 1 for the first attempt. */
  attempt: number;
  /** The run that it repeats. */
  retry_of: string | null;
  /** It is not started before. */
  not_before: string | null;
  /** Automations whose runs have led to this one, the first one first. */
  ancestors: string[];
  /** It waits for others whatever the overlap is set to. */
  waits: boolean;
  /** The process that works on it, and until when nobody else may. */
  worker: string | null;
  worker_until: string | null;
}

/** What a new run says. */
export type NewRun = Pick<AutomationRun, 'trigger_source'> &
  Partial<
    Pick<
      AutomationRun,
      | 'scheduled_at'
      | 'payload'
      | 'source'
      | 'subject_key'
      | 'turns'
      | 'attempt'
      | 'retry_of'
      | 'not_before'
      | 'ancestors'
      | 'waits'
      | 'variant'
    >
  >;

/** What a run does, for clients, which know the codes. */
export type PhaseCode = 'queued' | 'preparing' | 'running_agent';

const PHASES: Readonly<Record<PhaseCode, string>> = {
  queued: 'Waiting for its turn',
  preparing: 'Preparing its folder',
  running_agent: 'Agent is working',
};

/**
 * The id of the run of an occurrence: the same for everybody who finds the occurrence, so that it is claimed
 * once. It begins like that of the automation.
 * @param occurrence such as `cron 2026-07-01T07:00:00.000Z`; undefined: one of its own
 */
export function runIdFor(automationId: string, occurrence?: string): string {
  const hash =
    occurrence === undefined
      ? randomBytes(32).toString('hex')
      : createHash('sha256').update(`${automationId} ${occurrence}`).digest('hex');
  const prefix = automationId.slice(0, RUN_ID_PREFIX);
  // UUID version 8: custom.
  return `${prefix}-${hash.slice(0, 4)}-8${hash.slice(5, 8)}-8${hash.slice(9, 12)}-${hash.slice(12, 24)}`;
}

/** The conversation of a run: the same after a crash. */
export function conversationIdOf(
  run: Pick<AutomationRun, 'id' | 'automation_id' | 'source' | 'subject_key'>,
): string {
  const { id, automation_id, source, subject_key: subject } = run;
  const text = subject === null ? `run ${id}` : `subject ${automation_id} ${source ?? ''} ${subject}`;
  return stableUuid(`automation ${text}`, '8');
}

/** A run that waits for its start. */
export function newRun(id: string, automationId: string, now: number, given: NewRun): AutomationRun {
  return {
    ...{ scheduled_at: null, payload: null, source: null, subject_key: null, turns: [] },
    ...{ attempt: 1, retry_of: null, not_before: null, ancestors: [], waits: false, variant: null },
    ...given,
    id,
    automation_id: automationId,
    status: 'PENDING',
    ...{ conversation_id: null, error_detail: null, status_detail: null, cost: null, timeout_at: null },
    ...{
      message: null,
      wakes: null,
      cost_before: null,
      run_metadata: null,
      started_at: null,
      completed_at: null,
      worker: null,
      worker_until: null,
    },
    ...phase('queued', now),
    created_at: new Date(now).toISOString(),
  };
}

/** The fields of a phase. */
export function phase(
  code: PhaseCode,
  now: number,
): Pick<AutomationRun, 'phase_code' | 'phase_label' | 'phase_updated_at'> {
  return {
    phase_code: code,
    phase_label: PHASES[code],
    phase_updated_at: new Date(now).toISOString(),
  };
}

/** A run that is over without a start. */
export function skipped(run: AutomationRun, reason: string, kind: FailureKind, now: number): AutomationRun {
  const at = new Date(now).toISOString();
  return {
    ...run,
    status: 'SKIPPED',
    error_detail: reason,
    status_detail: detailOf('dispatch', kind, reason, at),
    started_at: run.started_at ?? at,
    completed_at: at,
    payload: null,
  };
}

/** `status_detail` of the wire. */
export function detailOf(phaseName: string, kind: FailureKind, detail: string, at: string): JsonObject {
  const transient = [
    'rate_limited',
    'timeout',
    'transport',
    'server_error',
    'environment_unavailable',
  ].includes(kind);
  return {
    ...{ phase: phaseName, kind, detail, formatted_detail: detail, transient, source: 'automation' },
    ...{ operation: null, code: null, status_code: null, count: 1, first_seen_at: at, last_seen_at: at },
  };
}

/** Fields that were not stored from the beginning. */
const ADDED_LATER = { message: null, wakes: null, cost_before: null, variant: null };

/** The run of what is stored. */
export function toRun(stored: StoredRun): AutomationRun {
  // Written by this class of server only; an older one did not know all fields.
  return { ...ADDED_LATER, ...stored } as AutomationRun;
}
