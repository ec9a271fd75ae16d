import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Principal } from '../../auth/index.js';
import { SESSION } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import { ForbiddenError, LaunchProfiles, ownerFilter, Tenancy } from '../../conversations/index.js';
import { DomainError, InvalidRequestError, LimitError, errorMessage } from '../../errors/index.js';
import {
  type AutomationDecision,
  AutomationStore,
  type AutomationView,
  identityOf,
} from '../../storage/index.js';
import type { PluginPresetDto, PromptPresetDto, UpdateAutomationDto } from '../api/automation.dto.js';
import { AutomationNotFoundError, containersUnsupported } from '../automation-errors.js';
import { Clock } from '../clock.js';
import { AutomationChanges } from '../runs/automation-changes.js';
import { disable } from '../runs/run-outcome.js';
import type { Automation, AutomationDefinition } from './automation.js';
import { DEFAULTS, toAutomation, toState, toStored } from './stored-automation.js';
import { readPlugins, readRepositories, readTemplate, readVariants } from './automation-values.js';
import { readTrigger } from './trigger.js';

/** Fields of requests that are taken as they are. */
const PLAIN = [
  'workspace',
  'max_budget',
  'overlap',
  'catch_up',
  'catch_up_limit',
  'max_retries',
  'retry_pause',
  'disable_after_failures',
] as const;

const BODY = ['body'];
const TRIGGER_PATH = ['body', 'trigger'];

/** The automations of this server: made, shown, changed and removed. */
@Injectable()
export class AutomationsService {
  constructor(
    private readonly store: AutomationStore,
    private readonly changes: AutomationChanges,
    private readonly clock: Clock,
    private readonly config: AppConfig,
    private readonly tenancy: Tenancy,
    private readonly profiles: LaunchProfiles,
  ) {}

  /**
   * Makes an automation, unless one of the same template exists.
   * @throws InvalidRequestError, ForbiddenError, LimitError, UnsupportedError
   */
  async create(
    request: PromptPresetDto | PluginPresetDto,
    principal: Principal,
  ): Promise<{ automation: Automation; created: boolean }> {
    const automation = await this.read(request, principal);
    const stored = { id: automation.id, ...toStored(automation) };
    const { ownerKey, template } = identityOf(stored.id, stored.definition);
    const made = await this.store.create(stored, (others) => {
      const own = others.filter((other) => other.ownerKey === ownerKey);
      const same = template === null ? undefined : own.find((other) => other.template === template);
      if (!same) this.assertRoom(others.length, ownerKey, own.length);
      return same?.id;
    });
    if (made.created) this.changes.tell(automation.id);
    return { automation: toAutomation(made.automation), created: made.created };
  }

  /** The automations that a principal sees, newest first. */
  async list(principal: Principal): Promise<Automation[]> {
    const all = (await this.store.list()).map(toAutomation).filter((one) => sees(principal, one));
    return all.sort((one, other) => (one.created_at < other.created_at ? 1 : -1));
  }

  /** @throws AutomationNotFoundError */
  async get(id: string, principal: Principal): Promise<Automation> {
    const stored = await this.store.get(id);
    const automation = stored && toAutomation(stored);
    if (!automation || !sees(principal, automation)) throw new AutomationNotFoundError();
    return automation;
  }

  /** @throws AutomationNotFoundError, InvalidRequestError, ForbiddenError */
  async update(id: string, request: UpdateAutomationDto, principal: Principal): Promise<Automation> {
    const before = await this.get(id, principal);
    const changed = await this.changed(before, request, principal);
    const stored = await this.change(id, (view) => {
      const now = this.clock.now();
      const at = new Date(now).toISOString();
      const current = toAutomation(view);
      const { trigger, ...others } = changed;
      const isOther = trigger !== undefined && JSON.stringify(trigger) !== JSON.stringify(current.trigger);
      const isSwitchedOn = request.enabled === true && !current.enabled;
      const isSwitchedOff = request.enabled === false && current.enabled;
      const next: Automation = {
        ...current,
        ...others,
        ...(isOther && { trigger }),
        // An instant before counts for nobody who has just asked for another schedule, or for none until now.
        ...((isOther || isSwitchedOn) && { schedule_from: at }),
        ...(isSwitchedOn && {
          enabled: true,
          disabled_reason: null,
          disabled_detail: null,
          disabled_at: null,
        }),
        updated_at: at,
      };
      const state = isSwitchedOn
        ? { ...toState(view.state), failures: 0, permanent_failures: 0 }
        : view.state;
      const { definition } = toStored(next);
      const off = isSwitchedOff
        ? disable({ ...view, definition }, { text: 'manual' }, now, { reason: 'manual', source: 'user' })
        : undefined;
      const written = {
        definition: off?.definition ?? definition,
        state: { ...state },
        runs: off?.runs ?? [],
      };
      return { change: written, result: toAutomation({ ...view, ...written }) };
    });
    this.changes.tell(id);
    return stored;
  }

  /**
   * Removes an automation: runs that wait are skipped; one that is active goes on.
   * @throws AutomationNotFoundError
   */
  async remove(id: string, principal: Principal): Promise<void> {
    await this.get(id, principal);
    await this.change(id, (view) => {
      const detail = { reason: 'manual_delete', source: 'user' };
      const off = disable(view, { text: 'manual_delete' }, this.clock.now(), detail);
      return { change: { ...off, is_deleted: true }, result: true };
    });
    this.changes.tell(id);
  }

  /** Reads a request that creates. @throws InvalidRequestError, ForbiddenError, UnsupportedError */
  async read(request: PromptPresetDto | PluginPresetDto, principal: Principal): Promise<Automation> {
    if (this.config.conversation_runtime === 'docker') throw containersUnsupported();
    const now = this.clock.now();
    const at = new Date(now).toISOString();
    const isPlugin = 'plugins' in request;
    const plugins = isPlugin ? readPlugins(request.plugins, ['body', 'plugins']) : [];
    const variants = isPlugin ? readVariants(request.variants, ['body', 'variants']) : [];
    if (isPlugin && plugins.length > 0 === variants.length > 0)
      throw new InvalidRequestError(BODY, 'Either plugins or variants are needed');
    const { name, prompt, model, agent_profile_id, keep_alive, enabled } = request;
    const definition: AutomationDefinition = {
      ...DEFAULTS,
      ...given(request),
      ...{ name, prompt, model, agent_profile_id, keep_alive },
      owner_key: principal.id === SESSION.id ? null : principal.id,
      preset: isPlugin ? 'plugin' : 'prompt',
      trigger: readTrigger(request.trigger, TRIGGER_PATH, now),
      timeout: this.checkedTimeout(request.timeout),
      repos: readRepositories(request.repos, ['body', 'repos']),
      template: readTemplate(request.template, ['body', 'template']),
      plugins,
      variants,
      experiment_id: isPlugin ? request.experiment_id : null,
      ...(enabled ? {} : switchedOff(at)),
      created_at: at,
      updated_at: at,
      schedule_from: at,
    };
    const automation = { ...definition, id: randomUUID(), state: toState({}) };
    await this.assertMay(automation, principal);
    return automation;
  }

  private async changed(
    before: Automation,
    request: UpdateAutomationDto,
    principal: Principal,
  ): Promise<Partial<AutomationDefinition>> {
    const { name, prompt, keep_alive } = request;
    if (request.tarball_path || request.setup_script_path || request.entrypoint) assertUnchanged(request);
    const changed: Partial<AutomationDefinition> = {
      ...given(request),
      ...(name !== undefined && { name }),
      ...(typeof prompt === 'string' && { prompt }),
      ...(keep_alive !== undefined && { keep_alive }),
      ...agentOf(request),
      ...(request.timeout !== undefined && { timeout: this.checkedTimeout(request.timeout) }),
      ...(request.repos !== undefined && { repos: readRepositories(request.repos, ['body', 'repos']) }),
      ...(request.trigger !== undefined && {
        trigger: readTrigger(request.trigger, TRIGGER_PATH, this.clock.now()),
      }),
    };
    await this.assertMay({ ...before, ...changed }, principal, changed);
    return changed;
  }

  /** What only the server may do for an administrator, and names of what does not exist. */
  private async assertMay(
    automation: Automation,
    principal: Principal,
    changed: Partial<AutomationDefinition> = automation,
  ): Promise<void> {
    const { model, agent_profile_id: agentProfile, repos, plugins, variants } = automation;
    if (model !== null && agentProfile !== null)
      throw new InvalidRequestError(BODY, '`agent_profile_id` is mutually exclusive with `model`');
    const llmProfiles = [model, ...variants.map((variant) => variant.model)];
    this.tenancy.assertMayUse({ agentProfile, llmProfiles }, principal);
    if (ownerFilter(principal) !== undefined) {
      if (repos.length > 0)
        throw new ForbiddenError(
          'Repositories are cloned by the server; with this key, let the agent clone them.',
        );
      if (plugins.length + variants.length > 0)
        throw new ForbiddenError('Plugins may not be loaded with this key: they are read by the server.');
      if (model === null)
        throw new InvalidRequestError(
          ['body', 'model'],
          'This key needs the name of an LLM profile that it may use',
        );
    }
    if (changed.agent_profile_id) await this.assertExists('agent_profile_id', changed.agent_profile_id);
    for (const name of [changed.model, ...(changed.variants ?? []).map((one) => one.model)])
      if (name) await this.assertExists('model', name);
  }

  private async assertExists(field: 'model' | 'agent_profile_id', name: string): Promise<void> {
    try {
      await (field === 'model' ? this.profiles.loadLlm(name) : this.profiles.load(name));
    } catch (error) {
      if (error instanceof DomainError && error.kind !== 'not-found') throw error;
      throw new InvalidRequestError(['body', field], errorMessage(error), name);
    }
  }

  private checkedTimeout(timeout: number | null): number | null {
    const { automation_max_timeout_seconds: max } = this.config;
    if (timeout !== null && timeout > max)
      throw new InvalidRequestError(
        ['body', 'timeout'],
        `Input should be less than or equal to ${max}`,
        timeout,
      );
    return timeout;
  }

  private assertRoom(count: number, owner: string | null, own: number): void {
    const { max_automations: all, max_automations_per_key: perKey } = this.config;
    if (count >= all)
      throw new LimitError(`There are ${all} automations already; delete one that is not used`);
    if (owner !== null && own >= perKey)
      throw new LimitError(`This key has ${perKey} automations already; delete one that is not used`);
  }

  private async change<T>(id: string, work: (view: AutomationView) => AutomationDecision<T>): Promise<T> {
    const result = await this.store.change(id, [], (view) => {
      if (view.is_deleted) throw new AutomationNotFoundError();
      return work(view);
    });
    if (result === undefined) throw new AutomationNotFoundError();
    return result;
  }
}

/** Whether a principal sees an automation. */
export function sees(principal: Principal, { owner_key: owner }: Pick<Automation, 'owner_key'>): boolean {
  const own = ownerFilter(principal);
  return own === undefined || own === owner;
}

/** The fields beyond the original that a request has. */
function given(request: PromptPresetDto | UpdateAutomationDto): Partial<AutomationDefinition> {
  const entries = PLAIN.map((name) => [name, request[name]] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** An agent profile takes the place of a model, and the other way round. */
function agentOf({ model, agent_profile_id: agent }: UpdateAutomationDto): Partial<AutomationDefinition> {
  if (model && agent)
    throw new InvalidRequestError(BODY, '`agent_profile_id` is mutually exclusive with `model`');
  if (agent) return { agent_profile_id: agent, model: null };
  if (model) return { model, agent_profile_id: null };
  return { ...(model === null && { model }), ...(agent === null && { agent_profile_id: agent }) };
}

function switchedOff(at: string): Partial<AutomationDefinition> {
  return {
    enabled: false,
    disabled_reason: 'manual',
    disabled_detail: { reason: 'manual', source: 'user' },
    disabled_at: at,
  };
}

/** What the original runs: scripts. Clients send back what they were shown. */
export const NATIVE_TARBALL = 'oh-internal://native';
/** See `NATIVE_TARBALL`. */
export const NATIVE_ENTRYPOINT = 'native';

function assertUnchanged({ tarball_path, entrypoint, setup_script_path }: UpdateAutomationDto): void {
  const isSame =
    (tarball_path ?? NATIVE_TARBALL) === NATIVE_TARBALL &&
    (entrypoint ?? NATIVE_ENTRYPOINT) === NATIVE_ENTRYPOINT &&
    (setup_script_path ?? null) === null;
  if (!isSame)
    throw new InvalidRequestError(
      ['body', 'tarball_path'],
      'This server runs no automation scripts, only prompts',
    );
}
