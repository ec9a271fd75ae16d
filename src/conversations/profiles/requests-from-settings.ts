import { Injectable } from '@nestjs/common';
import type { Principal } from '../../auth/index.js';
import { readDto } from '../../http/index.js';
import { asJsonObject, type JsonObject } from '../../json/index.js';
import { type Settings, SettingsStore, UserSecrets } from '../../settings/index.js';
import { StartConversationRequestDto } from '../api/dto/start-conversation.dto.js';
import { toStartRequest } from '../api/dto/to-start-request.js';
import { ownerFilter } from '../owners/ownership.js';
import { Tenancy } from '../owners/tenancy.js';
import type { RequestedConversation } from '../state/start-request.js';
import { type LaunchedProfile, LaunchProfiles } from './launch-profiles.js';

/** The stored profiles that a new conversation is to use; null: as the settings say. */
export interface ChosenProfiles {
  /** The id of an agent profile. */
  agentProfile: string | null;
  /** The name of an LLM profile. */
  llmProfile: string | null;
}

/** The agent of a new conversation, and what else the settings say about it. */
export interface ChosenAgent {
  principal: Principal;
  settings: Settings;
  llmProfile: string | null;
  launched: LaunchedProfile | undefined;
  llm: JsonObject | undefined;
}

/**
 * Makes create requests of programs that describe no agent: with the profiles, tools and policies that a
 * person has chosen in the settings, and the person's secrets for whoever may read them.
 */
@Injectable()
export class RequestsFromSettings {
  constructor(
    private readonly profiles: LaunchProfiles,
    private readonly settings: SettingsStore,
    private readonly secrets: UserSecrets,
    private readonly tenancy: Tenancy,
  ) {}

  /**
   * Loads the agent. Without an agent profile it is the active one, unless an LLM profile is named or the key
   * reaches its own conversations only: then it is the agent of the settings.
   * @throws ForbiddenError and errors of profiles
   */
  async choose({ agentProfile, llmProfile }: ChosenProfiles, principal: Principal): Promise<ChosenAgent> {
    const settings = await this.settings.load();
    const active = isOwn(principal) || llmProfile !== null ? null : settings.active_agent_profile_id;
    const profile = agentProfile ?? active;
    this.tenancy.assertMayUse({ agentProfile: profile, llmProfiles: [llmProfile] }, principal);
    return {
      principal,
      settings,
      llmProfile: profile === null ? llmProfile : null,
      launched: profile === null ? undefined : await this.profiles.load(profile, llmProfile ?? undefined),
      llm: profile !== null || llmProfile === null ? undefined : await this.profiles.loadLlm(llmProfile),
    };
  }

  /**
   * The request for a conversation of this agent.
   * @param fields further fields of a create request, `workspace` at least
   * @throws InvalidRequestError, UnusableProfileError
   */
  async make(agent: ChosenAgent, fields: JsonObject): Promise<RequestedConversation> {
    const { principal, settings, llmProfile, launched, llm } = agent;
    const own = isOwn(principal);
    const dto = readDto(StartConversationRequestDto, {
      max_iterations: settings.conversation['max_iterations'],
      ...(launched === undefined && {
        agent_settings: own ? {} : settings.agent,
        ...(llmProfile !== null && { llm_profile_ref: llmProfile }),
      }),
      ...(!own && policiesOf(settings)),
      // Whoever may not read them does not get them by way of an agent.
      ...(!own && principal.scope === 'admin' && { secrets: await this.secretSources() }),
      ...fields,
    });
    return toStartRequest(dto, launched, llm);
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

function isOwn(principal: Principal): boolean {
  return ownerFilter(principal) !== undefined;
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
