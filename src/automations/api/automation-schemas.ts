import { type DescribedField, type JsonSchema, objectSchema } from '../../http/index.js';

const text: JsonSchema = { type: 'string' };
const texts: JsonSchema = { type: 'array', items: text };
const textOrNull: JsonSchema = { type: ['string', 'null'] };
const id: JsonSchema = { type: 'string', format: 'uuid' };
const idOrNull: JsonSchema = { type: ['string', 'null'], format: 'uuid' };
const time: JsonSchema = { type: 'string', format: 'date-time' };
const timeOrNull: JsonSchema = { type: ['string', 'null'], format: 'date-time' };
const flag: JsonSchema = { type: 'boolean' };
const integer: JsonSchema = { type: 'integer' };
const integerOrNull: JsonSchema = { type: ['integer', 'null'] };
const numberOrNull: JsonSchema = { type: ['number', 'null'] };
const object: JsonSchema = { type: 'object', additionalProperties: true };
const objectOrNull: JsonSchema = { type: ['object', 'null'], additionalProperties: true };
const listOf = (name: string): JsonSchema => ({
  type: 'array',
  items: { $ref: `#/components/schemas/${name}` },
});

const AUTOMATION: Record<string, DescribedField> = {
  id: [id, 'A UUID that the server has made.'],
  user_id: [id, 'The same for all: this server has no users.'],
  org_id: [id, 'The same for all: this server has no organisations.'],
  name: [text, 'What people call it.'],
  prompt: [textOrNull, 'What the agent is to do in each run.'],
  model: [textOrNull, 'Name of the LLM profile; null: the model of the agent.'],
  agent_profile_id: [idOrNull, 'The agent profile; null: the active one, or the agent of the settings.'],
  trigger: [
    object,
    'When it is due, by `type`: `cron`, `event`, `chain` or `manual`. `schedule_human` is in English.',
  ],
  enabled: [flag, 'Whether it is switched on.'],
  disabled_reason: [textOrNull, 'Why it is switched off: `manual`, or a sentence.'],
  disabled_detail: [objectOrNull, 'The same for programs.'],
  disabled_at: [timeOrNull, 'When it was switched off.'],
  timeout: [integerOrNull, 'Seconds after which a run is stopped; null: the default of the server.'],
  keep_alive: [{ type: ['boolean', 'null'] }, 'As it was sent; without effect.'],
  tarball_path: [text, 'The same for all: this server runs no scripts.'],
  setup_script_path: [textOrNull, 'Always null.'],
  entrypoint: [text, 'The same for all: this server runs no scripts.'],
  preset_metadata: [
    object,
    'What it was made from: `preset_type`, `repos`, `plugins`, `template`, and its first run.',
  ],
  'repository?': [text, 'The first repository of its runs, if there is one.'],
  'branch?': [text, 'The branch of it; absent for the default branch.'],
  plugins: [{ type: 'array', items: text }, 'Plugins that its runs load.'],
  'timezone?': [text, 'The time zone of its schedule, if it has one.'],
  last_triggered_at: [timeOrNull, 'When it was due last, or started by hand; null: never.'],
  next_run_at: [timeOrNull, 'When it is due next by its schedule; null: it is switched off, or has none.'],
  consecutive_failures: [integer, 'Failed runs since the last one that succeeded.'],
  workspace: [textOrNull, 'Folder that all runs work in; null: one of its own for each.'],
  max_budget: [numberOrNull, 'US dollars that a run may cost; null: no limit.'],
  overlap: [
    textOrNull,
    '`skip`, `queue` or `parallel`; null: instants of a schedule are skipped, others wait.',
  ],
  catch_up: [text, 'What becomes of instants that were missed: `none`, `one` or `all`.'],
  catch_up_limit: [integer, 'The most runs that `all` starts.'],
  max_retries: [integer, 'How often a failed run is repeated.'],
  retry_pause: [integer, 'Seconds before the first repetition.'],
  disable_after_failures: [
    integerOrNull,
    'Failed runs in a row after which it is switched off; null: never.',
  ],
  owner_key: [textOrNull, 'Id of the key that it works for; null: the administrator.'],
  created_at: [time, 'When it was made.'],
  updated_at: [time, 'When it was changed last.'],
};

const RUN: Record<string, DescribedField> = {
  id: [id, 'A UUID that the server has made.'],
  automation_id: [id, 'The automation that it is a run of.'],
  status: [
    { type: 'string', enum: ['PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED', 'SKIPPED'] },
    'What has become of it.',
  ],
  error_detail: [textOrNull, 'Why it has failed or was skipped, as a sentence.'],
  status_detail: [objectOrNull, 'The same for programs: `kind`, `transient` and others.'],
  current_phase: [textOrNull, 'As `phase_label`.'],
  phase_code: [
    textOrNull,
    'What it does: `queued` (also while its agent waits for a free slot of the server), `preparing` or `running_agent`.',
  ],
  phase_label: [textOrNull, 'The same for people.'],
  phase_updated_at: [timeOrNull, 'When this phase began; null before the first one.'],
  conversation_id: [idOrNull, 'The conversation that works on it; null before its start.'],
  cost: [numberOrNull, 'US dollars that the run has cost; null before the end.'],
  timeout_at: [timeOrNull, 'When it is stopped; null before its start, and while it waits for a free slot.'],
  sandbox_id: [textOrNull, 'Always null.'],
  bash_command_id: [textOrNull, 'Always null: the conversation is the log.'],
  run_metadata: [
    objectOrNull,
    '`finish_tool_response` has a `status` (`success`, `failed`, `blocked`) and an `outcome_summary`: what the agent said ' +
      'last, or why the run has failed. `variant` and `experiment_id` tell which variant it takes. Null before.',
  ],
  trigger_source: [{ type: 'string', enum: ['cron', 'manual', 'event', 'chain'] }, 'What has asked for it.'],
  scheduled_at: [timeOrNull, 'The instant of the schedule; null for others.'],
  attempt: [integer, '1, and one more for each repetition.'],
  retry_of: [idOrNull, 'The run that it repeats; null: none.'],
  not_before: [timeOrNull, 'It is not started before; null: at once.'],
  created_at: [time, 'When it was asked for.'],
  started_at: [timeOrNull, 'When it was started; null before.'],
  completed_at: [timeOrNull, 'When it ended; null before.'],
};

/** Schemas for the API document. */
export function automationSchemas(): Record<string, JsonSchema> {
  return {
    AutomationHealth: objectSchema({ status: [{ type: 'string', enum: ['ok'] }, 'Always `ok`.'] }),
    AutomationSdkVersion: objectSchema({ version: [text, 'The version of the API.'] }),
    AutomationServerInfo: objectSchema({
      package_version: [text, 'The version of this server.'],
      sdk_version: [text, 'The version of the API.'],
    }),
    AutomationConsent: objectSchema({ consent_granted: [flag, 'As it was sent.'] }),
    AutomationUploads: objectSchema({
      uploads: [{ type: 'array', items: object, maxItems: 0 }, 'Always empty.'],
      total: [integer, 'Always 0: this server keeps no uploads.'],
    }),
    AutomationCapabilities: objectSchema({
      ready: [flag, 'Whether automations can be created.'],
      maxAutomationTimeoutSeconds: [integer, 'Highest time limit of a run.'],
      triggerKinds: [texts, 'Kinds of triggers for dialogs.'],
      eventSources: [texts, 'Sources of events.'],
      eventTypes: [texts, 'Events that are known to arrive.'],
      triggers: [
        objectSchema({
          cron: [
            objectSchema({
              minIntervalSeconds: [integer, 'The shortest interval.'],
              timezones: [texts, 'Names of time zones.'],
            }),
            'Of schedules.',
          ],
        }),
        'The same in detail. With a source of events `event` has the language of filters and its functions.',
      ],
      features: [texts, 'Names of features, which clients compare.'],
    }),
    AutomationDraftReport: objectSchema({
      valid: [flag, 'Whether it could be created.'],
      errors: [
        {
          type: 'array',
          items: objectSchema({
            field: [text, 'Such as `trigger.schedule`; empty for the draft as a whole.'],
            code: [text, 'The kind of problem.'],
            message: [text, 'The same for people.'],
          }),
        },
        'What is wrong with it.',
      ],
      sampleEventMatched: [
        { type: ['boolean', 'null'] },
        'Whether the sample event matches; null: nobody can say.',
      ],
      schedule: [
        {
          anyOf: [
            objectSchema({
              text: [text, 'When it is due, in English, such as `Every weekday at 09:00 (Europe/Berlin)`.'],
              next: [{ type: 'array', items: time }, 'The next three instants (UTC).'],
            }),
            { type: 'null' },
          ],
        },
        'What the schedule means; null without a valid one.',
      ],
    }),
    Automation: objectSchema(AUTOMATION),
    AutomationList: objectSchema({
      automations: [listOf('Automation'), 'The newest first.'],
      total: [integer, 'How many there are.'],
    }),
    AutomationRun: objectSchema(RUN),
    AutomationRunList: objectSchema({
      runs: [listOf('AutomationRun'), 'The newest first.'],
      total: [integer, 'How many there ever were.'],
      status_counts: [
        { type: 'object', additionalProperties: integer },
        'The same by status; one that is missing is 0.',
      ],
    }),
  };
}
