import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { maskSecrets } from '../../crypto/index.js';
import {
  completeAgent,
  DanglingConnectionError,
  UnusableProfileError,
  hasSecret,
} from '../../settings/index.js';
import { commandWords } from '../../text/index.js';
import { ToolRegistry } from '../../tools/index.js';
import type { JsonObject } from '../../json/index.js';
import { settingsFromProfile } from './profile-settings.js';
import { type ResolvedReferences, ProfileReferences } from './profile-references.js';

/** Tools of a profile without `tools`. */
const DEFAULT_TOOLS = ['terminal', 'file_editor', 'task_tracker', 'browser_tool_set', 'switch_llm'];

/** The secrets from which known ACP agents take their API key, base URL and credential file. */
const ACP_SECRETS: Readonly<Record<string, [key: string | null, url: string | null, file: string | null]>> = {
  'claude-code': ['ANTHROPIC_API_KEY', 'ANTHROPIC_BASE_URL', null],
  codex: ['OPENAI_API_KEY', 'OPENAI_BASE_URL', 'CODEX_AUTH_JSON'],
  'gemini-cli': ['GEMINI_API_KEY', 'GEMINI_BASE_URL', 'GOOGLE_APPLICATION_CREDENTIALS_JSON'],
  'kimi-code': [null, 'KIMI_BASE_URL', 'KIMI_CODE_CONFIG_TOML'],
  opencode: ['OPENCODE_API_KEY', null, null],
  pi: ['ANTHROPIC_API_KEY', null, 'PI_AUTH_JSON'],
};

const NO_COMMAND =
  "acp_command is required when acp_server='custom': there is no default command to fall back to";

/** Resolves an agent profile and reports its problems, without starting a conversation. */
@Injectable()
export class ProfileDiagnosis {
  constructor(
    private readonly references: ProfileReferences,
    private readonly tools: ToolRegistry,
    private readonly config: AppConfig,
  ) {}

  /** @param profile a valid agent profile with all fields */
  async diagnose(profile: JsonObject): Promise<JsonObject> {
    return profile['agent_kind'] === 'openhands' ? this.diagnoseBuiltIn(profile) : this.diagnoseAcp(profile);
  }

  private async diagnoseBuiltIn(profile: JsonObject): Promise<JsonObject> {
    const { references, problem } = await this.resolve(profile);
    const { tools } = profile;
    const named = Array.isArray(tools)
      ? tools.map((tool: { name?: unknown }) => String(tool.name))
      : undefined;
    const unusable = (named ?? DEFAULT_TOOLS).filter((name) => !this.isUsable(name));
    const errors = problemTexts(references, problem, named ? unusable : []);
    const { llm, servers } = references;
    const isValid = errors.length === 0 && llm !== undefined;
    const usable = named
      ? tools
      : DEFAULT_TOOLS.filter((name) => this.isUsable(name)).map((name) => ({ name, params: {} }));
    return {
      ...this.summary(profile, references),
      valid: isValid,
      errors,
      unusable_tools: unusable,
      llm_profile_ref: references.llmName,
      llm_profile_resolved: llm !== undefined,
      llm_api_key_set: hasSecret(llm?.['api_key']),
      resolved_mcp_config_keys: references.danglingServers.length > 0 && !llm ? [] : Object.keys(servers),
      resolved_settings: isValid ? resolvedSettings({ ...profile, tools: usable }, llm, references) : null,
    };
  }

  private async diagnoseAcp(profile: JsonObject): Promise<JsonObject> {
    const { references } = await this.resolve({ mcp_server_refs: profile['mcp_server_refs'] });
    const server = String(profile['acp_server']);
    const [key, url, file] = ACP_SECRETS[server] ?? [null, null, null];
    const { danglingServers: missing } = references;
    const errors = [
      ...(missing.length > 0 ? [`MCP server(s) not configured: ${missing.join(', ')}`] : []),
      ...(server === 'custom' && !profile['acp_command'] ? [NO_COMMAND] : []),
    ];
    return {
      ...this.summary(profile, references),
      valid: errors.length === 0,
      errors,
      resolved_mcp_config_keys: Object.keys(references.servers),
      acp_api_key_secret_name: key,
      acp_base_url_secret_name: url,
      acp_file_secret_names: file === null ? [] : [file],
      resolved_settings: errors.length === 0 ? resolvedAcpSettings(profile, references.servers) : null,
    };
  }

  /** The fields of every answer, in the order on the wire. */
  private summary(profile: JsonObject, references: ResolvedReferences): JsonObject {
    return {
      agent_kind: profile['agent_kind'],
      valid: false,
      errors: [],
      unusable_tools: [],
      llm_profile_ref: null,
      llm_profile_resolved: false,
      llm_api_key_set: false,
      mcp_server_refs: profile['mcp_server_refs'] ?? null,
      resolved_mcp_config_keys: [],
      dangling_mcp_server_refs: references.danglingServers,
      disabled_skills: profile['disabled_skills'] ?? [],
      public_skills: profile['public_skills'] ?? null,
      resolved_skills: references.publicSkills.map(({ name }) => name),
      secret_refs: profile['secret_refs'] ?? null,
      acp_api_key_secret_name: null,
      acp_base_url_secret_name: null,
      acp_file_secret_names: [],
      meta_profile_ref: profile['meta_profile_ref'] ?? null,
      dangling_meta_profile_ref: references.danglingMeta,
      dangling_meta_profile_llm_refs: references.danglingMetaLlms,
      resolved_settings: null,
    };
  }

  /** Resolves the references of a profile. A model that cannot be used is reported as a problem. */
  private async resolve(profile: JsonObject): Promise<{ references: ResolvedReferences; problem?: string }> {
    try {
      return { references: await this.references.resolve(profile) };
    } catch (error) {
      if (!(error instanceof DanglingConnectionError || error instanceof UnusableProfileError)) throw error;
      const others = await this.references.resolve({ ...profile, llm_profile_ref: '0' });
      const llmName = String(profile['llm_profile_ref']);
      return { references: { ...others, llmName, llm: undefined }, problem: error.message };
    }
  }

  private isUsable(name: string): boolean {
    if (name === 'browser_tool_set' && !this.config.enable_browser) return false;
    return this.tools.has(name);
  }
}

function problemTexts(
  references: ResolvedReferences,
  problem: string | undefined,
  unusable: string[],
): string[] {
  const { llm, llmName, danglingServers, danglingMeta, danglingMetaLlms } = references;
  return [
    ...(unusable.length > 0 ? [`Tool(s) this server cannot run: ${unusable.join(', ')}`] : []),
    ...(llm ? [] : [problem ?? `LLM profile '${llmName}' not found`]),
    ...(danglingServers.length > 0 ? [`MCP server(s) not configured: ${danglingServers.join(', ')}`] : []),
    ...(danglingMeta === null ? [] : [`Meta-profile '${danglingMeta}' not found`]),
    ...(danglingMetaLlms.length > 0
      ? [`LLM profile(s) routed to by the meta-profile not found: ${danglingMetaLlms.join(', ')}`]
      : []),
  ];
}

/** The settings of a built-in agent, secrets masked. */
function resolvedSettings(
  profile: JsonObject,
  llm: JsonObject,
  references: ResolvedReferences,
): JsonObject | null {
  const settings = settingsFromProfile(profile, llm, references);
  const full = completeAgent(settings, settings);
  return full ? maskSecrets(full) : null;
}

/** The settings of an ACP agent, secrets masked. */
function resolvedAcpSettings(profile: JsonObject, servers: JsonObject): JsonObject | null {
  const {
    acp_server,
    acp_model,
    acp_session_mode,
    acp_prompt_timeout,
    acp_startup_timeout,
    acp_command,
    acp_args,
  } = profile;
  const settings = {
    ...{
      agent_kind: 'acp',
      acp_server,
      acp_model,
      acp_session_mode,
      acp_prompt_timeout,
      acp_startup_timeout,
    },
    ...{
      acp_command: typeof acp_command === 'string' ? commandWords(acp_command) : [],
      acp_args: acp_args ?? [],
    },
    ...{ mcp_config: servers, agent_context: {} },
  };
  const full = completeAgent(settings, settings);
  return full ? maskSecrets(full) : null;
}
