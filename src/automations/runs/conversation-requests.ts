import { Injectable } from '@nestjs/common';
import type { Principal } from '../../auth/index.js';
import {
  LaunchProfiles,
  ownerFilter,
  StartConversationRequestDto,
  Tenancy,
  toStartRequest,
  type RequestedConversation,
} from '../../conversations/index.js';
import { readDto } from '../../http/index.js';
import { asJsonObject, type JsonObject } from '../../json/index.js';
import { type Settings, SettingsStore, UserSecrets } from '../../settings/index.js';
import type { Automation, Variant } from '../definitions/automation.js';
import type { AutomationRun } from './automation-run.js';
import { RunWorkspaces } from './run-workspaces.js';
import { tagsOf, titleOf } from './run-prompt.js';

/** Makes the conversations of runs as a person would start them: with profile, secrets and tools. */
@Injectable()
export class ConversationRequests {
  constructor(
    private readonly profiles: LaunchProfiles,
    private readonly settings: SettingsStore,
    private readonly secrets: UserSecrets,
    private readonly tenancy: Tenancy,
    private readonly workspaces: RunWorkspaces,
  ) {}

  /**
   * The request for the conversation of a run; its folder exists then, with what the automation wants in it.
   * @throws LaunchError, ForbiddenError and other errors that prevent a start
   */
  async make(
    automation: Automation,
    run: AutomationRun,
    principal: Principal,
    signal: AbortSignal,
  ): Promise<RequestedConversation> {
    const isOwn = ownerFilter(principal) !== undefined;
    const variant = variantOf(automation, run);
    const model = variant?.model ?? automation.model;
    const settings = await this.settings.load();
    // A named model, or a key of its own, does without the agent that is active for the person.
    const active = isOwn || model !== null ? null : settings.active_agent_profile_id;
    const agentProfile = automation.agent_profile_id ?? active;
    this.tenancy.assertMayUse({ agentProfile, llmProfiles: [model] }, principal);
    const launched = agentProfile === null ? undefined : await this.profiles.load(agentProfile);
    const llm = model === null ? undefined : await this.profiles.loadLlm(model);
    const plugins = variant?.plugins ?? automation.plugins;
    const dto = readDto(StartConversationRequestDto, {
      workspace: { working_dir: await this.workspaces.prepare(automation, run, principal, signal) },
      tags: tagsOf(automation, run),
      autotitle: false,
      max_iterations: settings.conversation['max_iterations'],
      max_budget_per_run: automation.max_budget,
      ...(plugins.length > 0 && { plugins }),
      ...(agentProfile === null && {
        agent_settings: isOwn ? {} : settings.agent,
        ...(model !== null && { llm_profile_ref: model }),
      }),
      ...(!isOwn && policiesOf(settings)),
      // Whoever may not read them does not get them by way of an agent.
      ...(!isOwn && principal.scope === 'admin' && { secrets: await this.secretSources() }),
    });
    return { ...toStartRequest(dto, launched, llm), title: titleOf(automation, run) };
  }

  private async secretSources(): Promise<JsonObject> {
    const items = await this.secrets.list();
    const sources = items.map(async ({ name, description }): Promise<[string, JsonObject][]> => {
      // One that no key decrypts has no value for a chat either.
      const value = await this.secrets.value(name).catch(() => undefined);
      return value === undefined ? [] : [[name, { kind: 'StaticSecret', value, description }]];
    });
    return Object.fromEntries((await Promise.all(sources)).flat());
  }
}

/** The variant of a run: by the weights, and the same for a run each time. */
export function variantOf({ variants }: Automation, { id }: AutomationRun): Variant | undefined {
  const total = variants.reduce((sum, { weight }) => sum + weight, 0);
  let left = (Number.parseInt(id.slice(-8), 16) / 0x1_0000_0000) * total;
  return variants.find(({ weight }) => (left -= weight) < 0);
}

/** When the agent asks, as the settings say for a chat. */
function policiesOf({ conversation }: Settings): JsonObject {
  const { confirmation_mode: asks, security_analyzer: analyzer } = asJsonObject(conversation);
  const isJudged = analyzer === 'llm';
  return {
    ...(asks === true && { confirmation_policy: { kind: isJudged ? 'ConfirmRisky' : 'AlwaysConfirm' } }),
    ...(isJudged && { security_analyzer: { kind: 'LLMSecurityAnalyzer' } }),
  };
}
