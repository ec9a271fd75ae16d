import { isJsonObject, type JsonObject } from '../../json/index.js';
import type { StoredAutomation } from '../../storage/index.js';
import type { Automation, AutomationDefinition, AutomationState } from './automation.js';

/** What automations have that say nothing else. */
export const DEFAULTS = {
  owner_key: null,
  preset: 'prompt',
  prompt: '',
  model: null,
  agent_profile_id: null,
  enabled: true,
  disabled_reason: null,
  disabled_detail: null,
  disabled_at: null,
  timeout: null,
  keep_alive: null,
  repos: [],
  plugins: [],
  variants: [],
  experiment_id: null,
  template: null,
  workspace: null,
  max_budget: null,
  overlap: null,
  catch_up: 'one',
  catch_up_limit: 5,
  max_retries: 0,
  retry_pause: 60,
  disable_after_failures: null,
} satisfies Partial<AutomationDefinition>;

/** What stands for required fields that are damaged. */
const BEGINNING = '1970-01-01T00:00:00.000Z';
const REPLACEMENTS = {
  ...DEFAULTS,
  name: 'Damaged automation',
  trigger: { type: 'manual' },
  created_at: BEGINNING,
  updated_at: BEGINNING,
  schedule_from: BEGINNING,
} satisfies AutomationDefinition;

type Shape = (value: unknown) => boolean;

const text: Shape = (value) => typeof value === 'string';
const flag: Shape = (value) => typeof value === 'boolean';
const number: Shape = (value) => typeof value === 'number' && Number.isFinite(value);
const time: Shape = (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value));
const object: Shape = isJsonObject;
const orNull =
  (shape: Shape): Shape =>
  (value) =>
    value === null || shape(value);
const oneOf =
  (...known: unknown[]): Shape =>
  (value) =>
    known.includes(value);
const listOf =
  (shape: Shape): Shape =>
  (value) =>
    Array.isArray(value) && value.every(shape);
const withFields =
  (fields: Readonly<Record<string, Shape>>): Shape =>
  (value) =>
    isJsonObject(value) && Object.entries(fields).every(([name, fits]) => fits(value[name]));

const plugin = withFields({ source: text, ref: orNull(text), repo_path: orNull(text) });
const TRIGGERS: Readonly<Record<string, Shape>> = {
  cron: withFields({ schedule: text, timezone: text }),
  event: withFields({ source: text, on: (on) => text(on) || listOf(text)(on) }),
  chain: withFields({ automation_id: orNull(text), on: listOf(text), tags: object }),
  manual: object,
};
const trigger: Shape = (value) => isJsonObject(value) && (TRIGGERS[String(value.type)]?.(value) ?? false);

const SHAPES: Readonly<Record<keyof AutomationDefinition, Shape>> = {
  owner_key: orNull(text),
  name: text,
  preset: oneOf('prompt', 'plugin'),
  prompt: text,
  model: orNull(text),
  agent_profile_id: orNull(text),
  trigger,
  enabled: flag,
  disabled_reason: orNull(text),
  disabled_detail: orNull(object),
  disabled_at: orNull(time),
  timeout: orNull(number),
  keep_alive: orNull(flag),
  repos: listOf(withFields({ url: text, ref: orNull(text), provider: orNull(text) })),
  plugins: listOf(plugin),
  variants: listOf(withFields({ name: text, weight: number, model: orNull(text), plugins: listOf(plugin) })),
  experiment_id: orNull(text),
  template: orNull(object),
  created_at: time,
  updated_at: time,
  schedule_from: time,
  workspace: orNull(text),
  max_budget: orNull(number),
  overlap: oneOf('skip', 'queue', 'parallel', null),
  catch_up: oneOf('none', 'one', 'all'),
  catch_up_limit: number,
  max_retries: number,
  retry_pause: number,
  disable_after_failures: orNull(number),
};

/**
 * The automation of what is stored. Fields that an older server did not know get their defaults. One with
 * fields that nobody can use is switched off, says which, and keeps no other from being read.
 */
export function toAutomation({ id, definition, state }: StoredAutomation): Automation {
  const given: JsonObject = { ...DEFAULTS, ...definition };
  const read = { id, state: toState(state) };
  if (isDefinition(given)) return { ...given, ...read };
  const damaged = Object.entries(SHAPES).flatMap(([name, fits]) => (fits(given[name]) ? [] : name));
  const usable = Object.entries(given).filter(([name]) => !damaged.includes(name));
  const reason = `What is stored of it is damaged: ${damaged.join(', ')}. Change or delete it.`;
  return {
    ...REPLACEMENTS,
    ...Object.fromEntries(usable),
    ...read,
    enabled: false,
    disabled_reason: reason,
    disabled_detail: { reason, source: 'automatic', rule: 'damaged' },
  };
}

/** The notes of an automation. */
export function toState(stored: JsonObject): AutomationState {
  const { handled_until, last_triggered_at, failures, permanent_failures, first_run } = stored;
  return {
    handled_until: typeof handled_until === 'number' ? handled_until : null,
    last_triggered_at: typeof last_triggered_at === 'string' ? last_triggered_at : null,
    failures: typeof failures === 'number' ? failures : 0,
    permanent_failures: typeof permanent_failures === 'number' ? permanent_failures : 0,
    first_run: isJsonObject(first_run) ? first_run : null,
  };
}

/** What is stored of an automation. */
export function toStored({ id: _id, state, ...definition }: Automation): {
  definition: JsonObject;
  state: JsonObject;
} {
  return { definition: { ...definition }, state: { ...state } };
}

function isDefinition(value: JsonObject): value is JsonObject & AutomationDefinition {
  return Object.entries(SHAPES).every(([name, fits]) => fits(value[name]));
}
