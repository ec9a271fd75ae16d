import type { JsonObject } from '../../json/index.js';
import type { RunPage } from '../../storage/index.js';
import type { Automation } from '../definitions/automation.js';
import { NATIVE_ENTRYPOINT, NATIVE_TARBALL } from '../definitions/automations.service.js';
import { ORGANISATION } from '../intake/webhooks/webhook.js';
import { type AutomationRun, toRun } from '../runs/automation-run.js';
import { scheduleText } from '../schedule/schedule-text.js';

/** Where there are no users, the original names this one. */
const USER_ID = 'c1a96d89-eae7-53bd-86ad-07f26266402b';

/**
 * An automation as clients see it, with the fields of the original in its order.
 * @param next the next instant of its schedule (ms since the epoch)
 */
export function automationAnswer(automation: Automation, next: number | undefined): JsonObject {
  const { trigger, repos, plugins, variants, template, state, preset, prompt, experiment_id } = automation;
  const [repository] = repos;
  return {
    id: automation.id,
    user_id: USER_ID,
    org_id: ORGANISATION,
    name: automation.name,
    prompt,
    model: automation.model,
    agent_profile_id: automation.agent_profile_id,
    trigger:
      trigger.type === 'cron'
        ? { ...trigger, schedule_human: scheduleText(trigger.schedule, trigger.timezone) }
        : trigger,
    enabled: automation.enabled,
    disabled_reason: automation.disabled_reason,
    disabled_detail: automation.disabled_detail,
    disabled_at: automation.disabled_at,
    timeout: automation.timeout,
    keep_alive: automation.keep_alive,
    tarball_path: NATIVE_TARBALL,
    setup_script_path: null,
    entrypoint: NATIVE_ENTRYPOINT,
    preset_metadata: {
      preset_type: preset,
      prompt,
      ...(repos.length > 0 && { repos }),
      ...(plugins.length > 0 && { plugins }),
      ...(variants.length > 0 && { variants, experiment_id }),
      ...(template && { template }),
      ...(state.first_run && { first_run: state.first_run }),
    },
    // Absent rather than null: the web UI exports them, and does not import null.
    ...(repository && { repository: repository.url }),
    ...(typeof repository?.ref === 'string' && { branch: repository.ref }),
    plugins: plugins.map(({ source }) => source),
    ...(trigger.type === 'cron' && { timezone: trigger.timezone }),
    last_triggered_at: state.last_triggered_at,
    next_run_at: next === undefined ? null : new Date(next).toISOString(),
    consecutive_failures: state.failures,
    workspace: automation.workspace,
    max_budget: automation.max_budget,
    overlap: automation.overlap,
    catch_up: automation.catch_up,
    catch_up_limit: automation.catch_up_limit,
    max_retries: automation.max_retries,
    retry_pause: automation.retry_pause,
    disable_after_failures: automation.disable_after_failures,
    owner_key: automation.owner_key,
    created_at: automation.created_at,
    updated_at: automation.updated_at,
  };
}

/** A run as clients see it. */
export function runAnswer(run: AutomationRun): JsonObject {
  return {
    id: run.id,
    automation_id: run.automation_id,
    status: run.status,
    error_detail: run.error_detail,
    status_detail: run.status_detail,
    current_phase: run.phase_label,
    phase_code: run.phase_code,
    phase_label: run.phase_label,
    phase_updated_at: run.phase_updated_at,
    conversation_id: run.conversation_id,
    cost: run.cost,
    timeout_at: run.timeout_at,
    sandbox_id: null,
    bash_command_id: null,
    run_metadata: run.run_metadata,
    trigger_source: run.trigger_source,
    scheduled_at: run.scheduled_at,
    attempt: run.attempt,
    retry_of: run.retry_of,
    not_before: run.not_before,
    created_at: run.created_at,
    started_at: run.started_at,
    completed_at: run.completed_at,
  };
}

/** A page of runs as clients see it. */
export function runsAnswer({ runs, total, counts }: RunPage): JsonObject {
  return { runs: runs.map((run) => runAnswer(toRun(run))), total, status_counts: counts };
}
