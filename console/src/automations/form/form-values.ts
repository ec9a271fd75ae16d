import type { Automation } from '../automation-texts.js';
import type { AutomationBody } from '../automation-requests.js';

/** Kinds of triggers. */
export type TriggerKind = 'cron' | 'event' | 'chain' | 'manual';

/** What the form holds: texts as they are typed. */
export interface FormValues {
  name: string;
  prompt: string;
  kind: TriggerKind;
  schedule: string;
  timezone: string;
  source: string;
  /** Patterns, separated by commas. */
  events: string;
  filter: string;
  /** An expression for the subject whose events go to one conversation; empty: a conversation for each. */
  subject: string;
  /** Id of the automation whose runs count; empty: conversations of people. */
  after: string;
  /** Also when what it follows has failed. */
  afterFailure: boolean;
  /** Name of an LLM profile; empty: that of the agent. */
  model: string;
  /** Seconds. */
  timeout: string;
  repository: string;
  branch: string;
  /** US dollars. */
  budget: string;
  workspace: string;
  overlap: string;
  catchUp: string;
  retries: string;
  disableAfter: string;
}

/** Paths of the fields in messages of the server, by field of the form. */
export const FIELD_PATHS: Readonly<Partial<Record<keyof FormValues, readonly string[]>>> = {
  name: ['name'],
  prompt: ['prompt'],
  schedule: ['trigger.cron.schedule', 'trigger.schedule'],
  timezone: ['trigger.cron.timezone', 'trigger.timezone'],
  source: ['trigger.event.source', 'trigger.source'],
  events: ['trigger.event.on', 'trigger.on'],
  filter: ['trigger.event.filter', 'trigger.filter'],
  subject: ['trigger.event.subject_key_expr', 'trigger.subject_key_expr'],
  after: ['trigger.chain.automation_id', 'trigger.automation_id'],
  model: ['model'],
  timeout: ['timeout'],
  repository: ['repos'],
  budget: ['max_budget'],
  workspace: ['workspace'],
  retries: ['max_retries'],
  disableAfter: ['disable_after_failures'],
};

/** The zone of the browser. */
function ownZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
}

/** A form for an automation that exists, or a new one. */
export function valuesOf(automation: Automation | undefined): FormValues {
  if (automation === undefined) return NEW_VALUES();
  const { trigger } = automation;
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const number = (value: number | null): string => (value === null ? '' : String(value));
  const { on } = trigger;
  return {
    ...NEW_VALUES(),
    name: automation.name,
    prompt: automation.prompt ?? '',
    kind: kindOf(trigger.type),
    ...(trigger.type === 'cron' && { schedule: text(trigger.schedule), timezone: text(trigger.timezone) }),
    ...(trigger.type === 'event' && {
      source: text(trigger.source),
      events: Array.isArray(on) ? on.join(', ') : text(on),
      filter: text(trigger.filter),
      subject: trigger.destination === 'continue_conversation' ? text(trigger.subject_key_expr) : '',
    }),
    ...(trigger.type === 'chain' && {
      after: text(trigger.automation_id),
      afterFailure: Array.isArray(on) && on.length > 1,
    }),
    model: automation.model ?? '',
    timeout: number(automation.timeout),
    repository: automation.repository ?? '',
    branch: automation.branch ?? '',
    budget: number(automation.max_budget),
    workspace: automation.workspace ?? '',
    overlap: automation.overlap ?? '',
    catchUp: automation.catch_up,
    retries: String(automation.max_retries),
    disableAfter: number(automation.disable_after_failures),
  };
}

const NEW_VALUES = (): FormValues => ({
  name: '',
  prompt: '',
  kind: 'cron',
  schedule: '0 9 * * 1-5',
  timezone: ownZone(),
  source: '',
  events: '',
  filter: '',
  subject: '',
  after: '',
  afterFailure: false,
  model: '',
  timeout: '',
  repository: '',
  branch: '',
  budget: '',
  workspace: '',
  overlap: '',
  catchUp: 'one',
  retries: '0',
  disableAfter: '',
});

/** What a form asks for. What is no number is sent as it is, for the server to refuse. */
export function bodyOf(values: FormValues): AutomationBody {
  const { name, prompt, model, repository, branch, workspace, overlap, catchUp } = values;
  const address = repository.trim();
  return {
    name: name.trim(),
    prompt,
    trigger: triggerOf(values),
    model: model === '' ? null : model,
    timeout: numberIn(values.timeout),
    repos: address === '' ? [] : [repositoryOf(address, branch.trim())],
    max_budget: numberIn(values.budget),
    workspace: workspace.trim() === '' ? null : workspace.trim(),
    overlap: overlap === '' ? null : overlap,
    catch_up: catchUp,
    max_retries: numberIn(values.retries) ?? 0,
    disable_after_failures: numberIn(values.disableAfter),
  };
}

/** The fields of a form that differ from what it began with. */
export function changesIn(before: FormValues, after: FormValues): AutomationBody {
  const old = bodyOf(before);
  const changed = Object.entries(bodyOf(after)).filter(
    ([field, value]) => JSON.stringify(value) !== JSON.stringify(old[field]),
  );
  return Object.fromEntries(changed);
}

/** The short form belongs to GitHub, as in most tools. */
function repositoryOf(url: string, branch: string): object {
  const isShort = /^[\w.-]+\/[\w.-]+$/.test(url);
  return { url, ref: branch === '' ? null : branch, provider: isShort ? 'github' : null };
}

function triggerOf(values: FormValues): object {
  const { kind, filter, subject, after, afterFailure } = values;
  switch (kind) {
    case 'cron':
      return { type: kind, schedule: values.schedule.trim(), timezone: values.timezone.trim() };
    case 'event': {
      const on = values.events.split(',').map((pattern) => pattern.trim());
      return {
        type: kind,
        source: values.source.trim(),
        on: on.length === 1 ? on[0] : on,
        ...(filter.trim() !== '' && { filter: filter.trim() }),
        ...(subject.trim() !== '' && {
          destination: 'continue_conversation',
          subject_key_expr: subject.trim(),
        }),
      };
    }
    case 'chain': {
      const [good, bad] = after === '' ? ['finished', 'error'] : ['COMPLETED', 'FAILED'];
      return {
        type: kind,
        automation_id: after === '' ? null : after,
        on: afterFailure ? [good, bad] : [good],
      };
    }
    case 'manual':
      return { type: kind };
  }
}

function kindOf(type: unknown): TriggerKind {
  const kinds: readonly TriggerKind[] = ['cron', 'event', 'chain', 'manual'];
  return kinds.find((kind) => kind === type) ?? 'manual';
}

function numberIn(text: string): number | string | null {
  const trimmed = text.trim();
  if (trimmed === '') return null;
  return Number.isFinite(Number(trimmed)) ? Number(trimmed) : trimmed;
}
