import type { JsonObject } from '../../json/index.js';
import type { CatchUp } from '../schedule/due-occurrences.js';
import type { Trigger } from './trigger.js';

/** A repository that a run finds in its folder. */
export interface RepositorySource {
  /** An address for git, or `owner/name` of a provider. */
  url: string;
  /** Branch, tag or commit; null: the default branch. */
  ref: string | null;
  provider: string | null;
}

/** A plugin that the conversation of a run loads. */
export interface PluginSource {
  source: string;
  ref: string | null;
  repo_path: string | null;
}

/** One of several ways to run an automation, of which each run takes one. */
export interface Variant {
  name: string;
  weight: number;
  model: string | null;
  plugins: PluginSource[];
}

/** What happens when a run is due while another one is not over; null: cron skips, everything else waits. */
export type Overlap = 'skip' | 'queue' | 'parallel' | null;

/** What a person has set about an automation. Times are UTC. */
export interface AutomationDefinition {
  /** The named key that it works for; null: the administrator. */
  owner_key: string | null;
  name: string;
  preset: 'prompt' | 'plugin';
  prompt: string;
  /** Name of an LLM profile. */
  model: string | null;
  agent_profile_id: string | null;
  trigger: Trigger;
  enabled: boolean;
  disabled_reason: string | null;
  disabled_detail: JsonObject | null;
  disabled_at: string | null;
  /** Seconds; null: the default. */
  timeout: number | null;
  keep_alive: boolean | null;
  repos: RepositorySource[];
  plugins: PluginSource[];
  variants: Variant[];
  experiment_id: string | null;
  /** The template that it was made from. */
  template: JsonObject | null;
  created_at: string;
  updated_at: string;
  /** Instants of the schedule up to then do not count. */
  schedule_from: string;
  /** Folder that all runs work in; null: one of its own for each. */
  workspace: string | null;
  /** US dollars a run may cost; null: no limit. */
  max_budget: number | null;
  overlap: Overlap;
  catch_up: CatchUp;
  catch_up_limit: number;
  /** How often a failed run is repeated. */
  max_retries: number;
  /** Seconds before the first repetition; doubled for each further one. */
  retry_pause: number;
  /** Failed runs in a row after which it is switched off; null: never. */
  disable_after_failures: number | null;
}

/** What the server notes about an automation. */
export interface AutomationState {
  /** The last instant of the schedule that was handled (ms since the epoch); null: none. */
  handled_until: number | null;
  last_triggered_at: string | null;
  /** Runs that have failed since the last success, or since it was enabled. */
  failures: number;
  /** Of the last runs in a row, how many failed for a reason that does not pass by itself. */
  permanent_failures: number;
  /** Its first run that was completed or has failed. */
  first_run: JsonObject | null;
}

/** An automation. */
export interface Automation extends AutomationDefinition {
  id: string;
  state: AutomationState;
}

/** The moment before which instants of its schedule do not count, or were handled (ms since the epoch). */
export function handledUntil({ schedule_from, state }: Automation): number {
  return Math.max(Date.parse(schedule_from), state.handled_until ?? 0);
}
