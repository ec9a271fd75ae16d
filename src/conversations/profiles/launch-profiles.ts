import { Injectable, NotFoundException, UnprocessableEntityException } from '@nestjs/common';
import type { JsonObject } from '../../storage/index.js';
import {
  AgentProfiles,
  LlmProfiles,
  ProfileNotFoundError,
  UnusableProfileError,
  type AgentProfile,
} from '../../settings/index.js';

/** An agent that a stored profile describes. */
export interface LaunchedProfile {
  name: string;
  /** What `agent_settings` of a create request would say. Secrets in clear. */
  settings: JsonObject;
  /** What clients are told of it: `launched_agent_profile` of the wire. */
  shown: JsonObject;
}

/** Agents by the id of a stored profile. */
@Injectable()
export class LaunchProfiles {
  constructor(
    private readonly agents: AgentProfiles,
    private readonly llms: LlmProfiles,
  ) {}

  /**
   * @throws NotFoundException, UnprocessableEntityException for references to what does not exist here,
   *   InvalidProfileNameError, UnusableProfileError
   */
  async load(id: string): Promise<LaunchedProfile> {
    const profile = await this.agents.find(id);
    if (!profile) throw new NotFoundException(`Agent profile with id '${id}' not found`);
    const { secret_refs = null, revision = 0, agent_kind: kind } = profile;
    const shown = { agent_profile_id: id, revision, secret_refs, llm_profile_ref: null };
    if (kind === 'acp') return { name: profile.name, settings: acpSettingsOf(profile), shown };
    if (kind !== 'openhands') {
      throw new UnusableProfileError(
        `Agent profile '${profile.name}' is of a kind that this server does not run`,
      );
    }
    return { name: profile.name, settings: settingsOf(profile, await this.llmOf(profile)), shown };
  }

  private async llmOf(profile: AgentProfile): Promise<JsonObject> {
    const { llm_profile_ref, mcp_server_refs, meta_profile_ref = null } = profile;
    // This server keeps no MCP servers and no meta-profiles that a name could stand for.
    const servers: unknown[] = Array.isArray(mcp_server_refs) ? mcp_server_refs : [];
    const llm = String(llm_profile_ref);
    const found = await this.llms.load(llm).catch((error: unknown) => {
      if (error instanceof ProfileNotFoundError) return undefined;
      throw error;
    });
    if (found && servers.length === 0 && meta_profile_ref === null) return found.llm;
    throw new UnprocessableEntityException({
      detail: {
        code: 'unresolved_profile_references',
        message: found ? 'MCP servers or meta-profiles not found' : `LLM profile '${llm}' not found`,
        dangling_llm_profile_ref: found ? null : llm,
        dangling_mcp_server_refs: servers,
        dangling_meta_profile_ref: meta_profile_ref,
        dangling_meta_profile_llm_refs: [],
      },
    });
  }
}

/** An agent from elsewhere. Its command is one text there, as in a shell. */
function acpSettingsOf(profile: AgentProfile): JsonObject {
  const { acp_server, acp_model, acp_session_mode, acp_prompt_timeout, acp_startup_timeout } = profile;
  const { acp_command: command, acp_args } = profile;
  return {
    agent_kind: 'acp',
    ...given({ acp_server, acp_model, acp_session_mode, acp_prompt_timeout, acp_startup_timeout }),
    ...(typeof command === 'string' && command !== '' && { acp_command: words(command) }),
    ...(Array.isArray(acp_args) && { acp_args }),
  };
}

/** The words of a command; quotes keep what is in them together. */
function words(command: string): string[] {
  const found = command.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g);
  return [...found].map(([word]) => word.replaceAll(/"([^"]*)"|'([^']*)'/g, '$1$2'));
}

function settingsOf(profile: AgentProfile, llm: JsonObject): JsonObject {
  const { tools, persona, condenser, tool_concurrency_limit, system_message_suffix, disabled_skills } =
    profile;
  const own = { tools, persona, condenser, tool_concurrency_limit };
  const context = { system_message_suffix, disabled_skills };
  return {
    ...given(own),
    llm: { ...llm, usage_id: 'agent' },
    agent_context: {
      ...given(context),
      load_project_skills: true,
      load_public_skills: profile['public_skills'] === true,
    },
  };
}

/** Older files do not have all fields: what is absent has its default. */
function given(fields: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
