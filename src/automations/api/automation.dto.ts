import {
  anyObject,
  anything,
  choice,
  decimal,
  Field,
  flag,
  integer,
  NoOtherFields,
  nullable,
  text,
  uuid,
} from '../../http/index.js';
import type { JsonObject } from '../../json/index.js';

/** As in the original: 50,000 characters. */
const MAX_PROMPT = 50_000;
const MODEL = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const TRIGGER =
  'When it is due: `{type: "cron", schedule, timezone}`, `{type: "event", source, on, filter}`, `{type: "chain", ' +
  'automation_id, on, tags}` after runs of another automation or other conversations, or `{type: "manual"}`.';
const TIMEOUT = 'Seconds after which a run is stopped; null: the default of the server.';
const MODEL_TEXT = 'Name of an LLM profile; null: the model of the agent.';
const AGENT =
  'Id of an agent profile, which excludes `model`; null: the active one, or that of the settings.';
const KEEP_ALIVE = 'Stored and returned; has no effect on this server.';

const name = text({ min: 1, max: 500 });
const prompt = text({ min: 1, max: MAX_PROMPT });
const model = nullable(text({ pattern: MODEL }));
const timeout = nullable(integer({ ge: 1 }));
const folder = nullable(
  text({ max: 4096, check: (path) => (path.includes('\0') ? 'no null characters' : undefined) }),
);
const overlap = nullable(choice(['skip', 'queue', 'parallel']));
const catchUp = choice(['none', 'one', 'all']);

/** What this server can do beyond the original; in requests that create and that change. */
class ExtraFieldsDto {
  @Field(folder, 'Folder that all runs work in; null: one of its own for each run.', { optional: true })
  workspace?: string | null;

  @Field(nullable(decimal({ gt: 0 })), 'US dollars that a run may cost; null: no limit.', { optional: true })
  max_budget?: number | null;

  @Field(
    overlap,
    'What happens when a run is due while another one is active: `skip` it, `queue` it, or run both (`parallel`). Null: ' +
      'instants of a schedule are skipped, everything else waits.',
    { optional: true },
  )
  overlap?: 'skip' | 'queue' | 'parallel' | null;

  @Field(
    catchUp,
    'Instants of the schedule that passed while the server was down: `none` counts, `one` run for the newest one unless ' +
      'it is older than the pause between two (and a day), or `all` of the last day.',
    { optional: true },
  )
  catch_up?: 'none' | 'one' | 'all';

  @Field(integer({ ge: 1, le: 20 }), 'The most runs that `all` starts.', { optional: true })
  catch_up_limit?: number;

  @Field(integer({ ge: 0, le: 10 }), 'How often a failed run is repeated.', { optional: true })
  max_retries?: number;

  @Field(integer({ ge: 1, le: 3600 }), 'Seconds before the first repetition; doubled for each further one.', {
    optional: true,
  })
  retry_pause?: number;

  @Field(
    nullable(integer({ ge: 1, le: 100 })),
    'Failed runs in a row after which it is switched off; null: only failures that do not pass by themselves count.',
    { optional: true },
  )
  disable_after_failures?: number | null;
}

/** A new automation. */
class NewAutomationDto extends ExtraFieldsDto {
  @Field(name, 'What people call it; titles of its conversations begin with it.')
  name!: string;

  @Field(prompt, 'What the agent is to do in each run.')
  prompt!: string;

  @Field(anyObject(), TRIGGER)
  trigger!: JsonObject;

  @Field(model, MODEL_TEXT)
  model: string | null = null;

  @Field(nullable(uuid()), AGENT)
  agent_profile_id: string | null = null;

  @Field(timeout, TIMEOUT)
  timeout: number | null = null;

  @Field(nullable(flag()), KEEP_ALIVE)
  keep_alive: boolean | null = null;

  @Field(
    anything(),
    'Repositories that each run finds in its folder: `{url, ref, provider}`, a text, or a list of both. The form ' +
      '`owner/name` needs a provider: `github`, `gitlab`, `bitbucket` or `azure_devops`.',
  )
  repos: unknown = null;

  @Field(
    nullable(anyObject()),
    'The template that it is made from: `{id, version, config}`. If one of the same id exists, that is returned with ' +
      'status 200.',
  )
  template: JsonObject | null = null;

  @Field(flag(), 'Whether it is switched on.')
  enabled = true;
}

/** A new automation of a prompt. */
@NoOtherFields()
export class PromptPresetDto extends NewAutomationDto {}

/** A new automation of a prompt with plugins. */
@NoOtherFields()
export class PluginPresetDto extends NewAutomationDto {
  @Field(anything(), 'Plugins that the conversation of each run loads: `[{source, ref, repo_path}]`.')
  plugins: unknown = null;

  @Field(
    anything(),
    'Ways to run it, of which each run takes one by weight: 2 to 10 of `{name, weight, model, plugins}`. Excludes `plugins`.',
  )
  variants: unknown = null;

  @Field(nullable(text({ max: 100 })), 'Name of the experiment that `variants` are for.')
  experiment_id: string | null = null;
}

/** Changes of an automation. Fields that are missing stay as they are. */
@NoOtherFields()
export class UpdateAutomationDto extends ExtraFieldsDto {
  @Field(name, 'What people call it; titles of its conversations begin with it.', { optional: true })
  name?: string;

  @Field(nullable(prompt), 'What the agent is to do; null changes nothing.', { optional: true })
  prompt?: string | null;

  @Field(model, MODEL_TEXT, { optional: true })
  model?: string | null;

  @Field(nullable(uuid()), AGENT, { optional: true })
  agent_profile_id?: string | null;

  @Field(timeout, TIMEOUT, { optional: true })
  timeout?: number | null;

  @Field(anyObject(), TRIGGER, { optional: true })
  trigger?: JsonObject;

  @Field(flag(), 'Switch it on or off. Instants before it was switched on do not count.', { optional: true })
  enabled?: boolean;

  @Field(nullable(flag()), KEEP_ALIVE, { optional: true })
  keep_alive?: boolean | null;

  @Field(anything(), 'Repositories, as in the request that creates.', { optional: true })
  repos?: unknown;

  @Field(
    nullable(text()),
    'Not possible on this server, which runs no scripts: only the value of the answer.',
    { optional: true },
  )
  tarball_path?: string | null;

  @Field(nullable(text()), 'Not possible on this server: only the value of the answer.', { optional: true })
  setup_script_path?: string | null;

  @Field(nullable(text()), 'Not possible on this server: only the value of the answer.', { optional: true })
  entrypoint?: string | null;
}

/** Part of a list. */
export class PageQueryDto {
  @Field(integer({ ge: 1, le: 1_000 }), 'How many at most.')
  limit = 50;

  @Field(integer({ ge: 0 }), 'How many of the newest to leave out.')
  offset = 0;
}

/** Part of the runs of an automation. */
export class RunsQueryDto {
  @Field(integer({ ge: 1, le: 1_000 }), 'How many at most.')
  limit = 20;

  @Field(integer({ ge: 0 }), 'How many of the newest to leave out.')
  offset = 0;
}

/** A draft to check. */
export class ValidateDto {
  @Field(text({ max: 200 }), 'The path that the draft is for, such as `/v1/preset/prompt`.')
  endpoint!: string;

  @Field(anyObject(), 'The body that would be sent there.')
  draft!: JsonObject;

  @Field(nullable(text({ max: 200 })), 'What the draft is for. Not used.')
  automationId: string | null = null;

  @Field(nullable(anyObject()), 'An event to try a filter with; null: none.')
  sampleEvent: JsonObject | null = null;
}

/** Whether usage reports may be sent. This server sends none from here. */
@NoOtherFields()
export class ConsentDto {
  @Field(flag(), 'What the user has decided.')
  consent_granted!: boolean;

  @Field(nullable(text({ max: 256 })), 'The id of the client. Not stored.')
  frontend_distinct_id: string | null = null;
}
