import { Injectable, NotFoundException, UnprocessableEntityException } from '@nestjs/common';
import { AgentProfiles, UnusableProfileError, type AgentProfile } from '../../settings/index.js';
import { commandWords } from '../../text/index.js';
import { asJsonObject, type JsonObject } from '../../json/index.js';
import { definedFields, settingsFromProfile } from './profile-settings.js';
import { ProfileReferences } from './profile-references.js';

/** An agent that a stored profile describes. */
export interface LaunchedProfile {
  name: string;
  /** What `agent_settings` of a create request would say. Secrets in clear. */
  settings: JsonObject;
  /** What clients are told of it: `launched_agent_profile` of the wire. */
  launchInfo: JsonObject;
}

/** What one launch adds to the agent of a profile; field names are the wire's. */
export interface LaunchAdditions {
  system_message_suffix_append: string | null;
  skills: JsonObject[] | null;
}

/** Agents by the id of a stored profile. */
@Injectable()
export class LaunchProfiles {
  constructor(
    private readonly agents: AgentProfiles,
    private readonly references: ProfileReferences,
  ) {}

  /**
   * @param llmProfile the LLM profile to use instead of the one that the agent profile names
   * @throws NotFoundException, UnprocessableEntityException for references to what does not exist here,
   *   InvalidProfileNameError, UnusableProfileError, DanglingConnectionError, UnreadableStoreError
   */
  async load(id: string, llmProfile?: string): Promise<LaunchedProfile> {
    const found = await this.agents.find(id);
    if (!found) throw new NotFoundException(`Agent profile with id '${id}' not found`);
    const profile = llmProfile === undefined ? found : { ...found, llm_profile_ref: llmProfile };
    const { secret_refs = null, revision = 0, agent_kind: kind } = profile;
    const shown = { agent_profile_id: id, revision, secret_refs, llm_profile_ref: llmProfile ?? null };
    if (kind === 'acp') {
      const settings = { ...acpSettings(profile), mcp_config: await this.resolveServers(profile) };
      return { name: profile.name, settings, launchInfo: shown };
    }
    if (kind !== 'openhands') {
      throw new UnusableProfileError(
        `Agent profile '${profile.name}' is of a kind that this server does not run`,
      );
    }
    return { name: profile.name, settings: await this.resolveSettings(profile), launchInfo: shown };
  }

  /** The MCP servers of a profile that names no model. */
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
    const found = await this.references.resolve(profile);
    const { llm, llmName, danglingServers, danglingMeta, danglingMetaLlms } = found;
    const isWhole = danglingServers.length === 0 && danglingMeta === null && danglingMetaLlms.length === 0;
    if (llm && isWhole) return settingsFromProfile(profile, llm, found);
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

/** The same with what a launch adds: its words behind those of the profile, and its skills. */
export function withAdditions(launched: LaunchedProfile, additions: LaunchAdditions): LaunchedProfile {
  const { system_message_suffix_append: suffix, skills } = additions;
  const { agent_context } = launched.settings;
  const context = asJsonObject(agent_context);
  const words = [context['system_message_suffix'], suffix].filter(
    (text) => typeof text === 'string' && text !== '',
  );
  const own: unknown[] = Array.isArray(context['skills']) ? context['skills'] : [];
  const added = {
    ...(words.length > 0 && { system_message_suffix: words.join('\n\n') }),
    ...(skills && { skills: [...own, ...skills] }),
  };
  return { ...launched, settings: { ...launched.settings, agent_context: { ...context, ...added } } };
}

/** An agent from elsewhere. Its command is one text there, as in a shell. */
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
