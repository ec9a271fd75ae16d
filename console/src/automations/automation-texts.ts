import { isRecord } from '../api/api-error.js';
import type { Schemas } from '../api/client.js';
import type { Tone } from '../ui/status.js';

/** An automation, and a run of it. */
export type Automation = Schemas['Automation'];
export type Run = Schemas['AutomationRun'];

const RUN_TONES: Readonly<Record<Run['status'], Tone>> = {
  PENDING: 'waiting',
  RUNNING: 'running',
  COMPLETED: 'good',
  FAILED: 'bad',
  CANCELLED: 'neutral',
  SKIPPED: 'neutral',
};

/** The tone of the status of a run. */
export function runTone(status: Run['status']): Tone {
  return RUN_TONES[status];
}

/** The status of a run as people read it. */
export function runLabel(status: Run['status']): string {
  return status.toLowerCase();
}

/** Whether a run is not over. */
export function isOpen({ status }: Pick<Run, 'status'>): boolean {
  return status === 'PENDING' || status === 'RUNNING';
}

const SOURCES: Readonly<Record<Run['trigger_source'], string>> = {
  cron: 'by its schedule',
  manual: 'by hand',
  event: 'by an event',
  chain: 'after another one',
};

/** What has asked for a run. */
export function sourceLabel(source: Run['trigger_source']): string {
  return SOURCES[source];
}

/** What the agent said at the end of a run; undefined if it said nothing, or the run has failed. */
export function resultText({ status, run_metadata: metadata }: Run): string | undefined {
  const response = metadata?.['finish_tool_response'];
  if (status !== 'COMPLETED' || !isRecord(response)) return undefined;
  const { outcome_summary: summary } = response;
  return typeof summary === 'string' ? summary : undefined;
}

/** The variant that a run takes; undefined without variants. */
export function variantText({ run_metadata: metadata }: Run): string | undefined {
  const variant = metadata?.['variant'];
  return typeof variant === 'string' ? variant : undefined;
}

/** When an automation is due, in a few words. */
export function triggerText({ trigger, timezone }: Pick<Automation, 'trigger' | 'timezone'>): string {
  const { type, schedule, schedule_human: human, source, on, automation_id: after } = trigger;
  switch (type) {
    case 'cron':
      return typeof human === 'string' ? human : `${String(schedule)} (${timezone ?? 'UTC'})`;
    case 'event':
      return `On ${Array.isArray(on) ? on.join(', ') : String(on)} of ${String(source)}`;
    case 'chain':
      return after === null ? 'After conversations of people' : 'After runs of another automation';
    default:
      return 'Only by hand';
  }
}

/** Why an automation is switched off, for people. */
export function disabledText({ disabled_reason: reason }: Automation): string {
  return reason === null || reason === 'manual' ? 'Switched off' : `Switched off: ${reason}`;
}
