import { Injectable, UnprocessableEntityException } from '@nestjs/common';
import {
  AgentProfiles,
  NoSuchEntryError,
  UnusableProfileError,
  type AgentProfile,
} from '../../settings/index.js';
import { commandWords } from '../../text/index.js';
import { asJsonObject, type JsonObject, tryParseJson } from '../../json/index.js';
import { definedFields, settingsFromProfile } from './profile-settings.js';
import { ProfileReferences } from './profile-references.js';

/** A stored agent profile, resolved for a new conversation. */
export interface LaunchedProfile {
  name: string;
  /** In the form of `agent_settings` of a create request. Secrets in clear. */
  settings: JsonObject;
  /** `launched_agent_profile` of the wire. */
  launchInfo: JsonObject;
}

/** Additions to the agent of a profile. Field names are the wire's. */
interface LaunchAdditions {
  system_message_suffix_append: string | null;
  skills: JsonObject[] | null;
}

/**
 * Tells a server in a container which agent profile its conversation is started with, as the original
 * does.
 */
export const LAUNCHED_PROFILE_VARIABLE = 'OH_RUNTIME_LAUNCHED_PROFILE';

/** The agent profile that another server has resolved for the conversation of this one; null: none. */
export function profileLaunchedOutside(env: NodeJS.ProcessEnv): JsonObject | null {
  const text = env[LAUNCHED_PROFILE_VARIABLE] ?? '';
  const { agent_profile_id, revision, secret_refs, llm_profile_ref } = asJsonObject(tryParseJson(text));
  if (typeof agent_profile_id !== 'string') return null;
  return {
    agent_profile_id,
    revision: typeof revision === 'number' ? revision : 0,
    secret_refs: Array.isArray(secret_refs) ? secret_refs.filter((name) => typeof name === 'string') : null,
    llm_profile_ref: typeof llm_profile_ref === 'string' ? llm_profile_ref : null,
  };
}

/** Loads stored agent profiles and models for new conversations. */
@Injectable()
export class LaunchProfiles {
  constructor(
    private readonly agents: AgentProfiles,
    private readonly references: ProfileReferences,
  ) {}

  /**
   * @param llmProfile the LLM profile to use instead of the one that the agent profile names
   * @throws NoSuchEntryError, InvalidProfileNameError, UnusableProfileError, DanglingConnectionError,
   *   UnreadableStoreError; UnprocessableEntityException for references to entries that do not exist
   */
  async load(id: string, llmProfile?: string): Promise<LaunchedProfile> {
    const stored = await this.agents.find(id);
    if (!stored) throw new NoSuchEntryError(`Agent profile with id '${id}' not found`);
    const profile = llmProfile === undefined ? stored : { ...stored, llm_profile_ref: llmProfile };
    const { secret_refs = null, revision = 0, agent_kind: kind } = profile;
    const shown = { agent_profile_id: id, revision, secret_refs, llm_profile_ref: llmProfile ?? null };
    if (kind === 'acp') {
      const settings = { ...acpSettings(profile), mcp_config: await this.resolveServers(profile) };
      return { name: profile.name, settings, launchInfo: shown };
    }
    if (kind !== 'openhands') {
      throw new UnusableProfileError(
        `Agent profile '${profile.name}' has a kind that this server does not support`,
      );
    }
    return { name: profile.name, settings: await this.resolveSettings(profile), launchInfo: shown };
  }

  /**
   * Loads the model of an LLM profile, in the form of `agent_settings.llm` of a create request.
   * @throws InvalidProfileNameError, ProfileNotFoundError, UnusableProfileError, DanglingConnectionError
   */
  loadLlm(name: string): Promise<JsonObject> {
    return this.references.loadLlm(name);
  }

  /** The MCP servers of a profile without a model. */
  private async resolveServers({ mcp_server_refs }: AgentProfile): Promise<JsonObject> {
    const { servers, danglingServers } = await this.references.resolve({ mcp_server_refs });
    if (danglingServers.length === 0) return servers;
    throw new UnprocessableEntityException({
      detail: {
        code: 'unresolved_profile_references',
        message: 'MCP servers not found',
        dangling_llm_profile_ref: null,
        dangling_mcp_server_refs: danglingServers,
        dangling_meta_profile_ref: null,
        dangling_meta_profile_llm_refs: [],
      },
    });
  }

  private async resolveSettings(profile: AgentProfile): Promise<JsonObject> {
    const references = await this.references.resolve(profile);
    const { llm, llmName, danglingServers, danglingMeta, danglingMetaLlms } = references;
    const isComplete = danglingServers.length === 0 && danglingMeta === null && danglingMetaLlms.length === 0;
    if (llm && isComplete) return settingsFromProfile(profile, llm, references);
    throw new UnprocessableEntityException({
      detail: {
        code: 'unresolved_profile_references',
        message: llm ? 'MCP servers or meta-profiles not found' : `LLM profile '${llmName}' not found`,
        dangling_llm_profile_ref: llm ? null : llmName,
        dangling_mcp_server_refs: danglingServers,
        dangling_meta_profile_ref: danglingMeta,
        dangling_meta_profile_llm_refs: danglingMetaLlms,
      },
    });
  }
}

/** Adds a suffix of the system message and skills to a profile. */
export function withAdditions(launched: LaunchedProfile, additions: LaunchAdditions): LaunchedProfile {
  const { system_message_suffix_append: suffix, skills } = additions;
  const { agent_context } = launched.settings;
  const context = asJsonObject(agent_context);
  const suffixes = [context['system_message_suffix'], suffix].filter(
    (text) => typeof text === 'string' && text !== '',
  );
  const own: unknown[] = Array.isArray(context['skills']) ? context['skills'] : [];
  const added = {
    ...(suffixes.length > 0 && { system_message_suffix: suffixes.join('\n\n') }),
    ...(skills && { skills: [...own, ...skills] }),
  };
  return { ...launched, settings: { ...launched.settings, agent_context: { ...context, ...added } } };
}

/** The settings of an ACP agent. Profiles store the command as one text, as in a shell. */
function acpSettings(profile: AgentProfile): JsonObject {
  const { acp_server, acp_model, acp_session_mode, acp_prompt_timeout, acp_startup_timeout } = profile;
  const { acp_command: command, acp_args } = profile;
  return {
    agent_kind: 'acp',
    ...definedFields({ acp_server, acp_model, acp_session_mode, acp_prompt_timeout, acp_startup_timeout }),
    ...(typeof command === 'string' && command !== '' && { acp_command: commandWords(command) }),
    ...(Array.isArray(acp_args) && { acp_args }),
  };
}
