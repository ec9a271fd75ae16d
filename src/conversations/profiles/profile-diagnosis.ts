import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { maskSecrets } from '../../crypto/index.js';
import { completeAgent, DanglingConnectionError, UnusableProfileError } from '../../settings/index.js';
import { hasSecret } from '../../settings/dto/secret-text.js';
import { commandWords } from '../../text/index.js';
import { ToolRegistry } from '../../tools/tool-registry.js';
import type { JsonObject } from '../../json/index.js';
import { settingsFromProfile } from './profile-settings.js';
import { type ResolvedReferences, ProfileReferences } from './profile-references.js';

/** Tools of an agent that names none. */
const DEFAULT_TOOLS = ['terminal', 'file_editor', 'task_tracker', 'browser_tool_set', 'switch_llm'];

/** Where programs of other vendors look for keys, addresses and files. */
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

/** Says what a conversation with an agent profile would work with, without making one. */
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
    const { found: resolve, problem } = await this.found(profile);
    const { tools } = profile;
    const named = Array.isArray(tools)
      ? tools.map((tool: { name?: unknown }) => String(tool.name))
      : undefined;
    const unusable = (named ?? DEFAULT_TOOLS).filter((name) => !this.isUsable(name));
    const errors = problemTexts(resolve, problem, named ? unusable : []);
    const { llm, servers } = resolve;
    const isValid = errors.length === 0 && llm !== undefined;
    const usable = named
      ? tools
      : DEFAULT_TOOLS.filter((name) => this.isUsable(name)).map((name) => ({ name, params: {} }));
    return {
      ...this.summary(profile, resolve),
      valid: isValid,
      errors,
      unusable_tools: unusable,
      llm_profile_ref: resolve.llmName,
      llm_profile_resolved: llm !== undefined,
      llm_api_key_set: hasSecret(llm?.['api_key']),
      resolved_mcp_config_keys: resolve.danglingServers.length > 0 && !llm ? [] : Object.keys(servers),
      resolved_settings: isValid ? resolvedSettings({ ...profile, tools: usable }, llm, resolve) : null,
    };
  }

  private async diagnoseAcp(profile: JsonObject): Promise<JsonObject> {
    const { found } = await this.found({ mcp_server_refs: profile['mcp_server_refs'] });
    const server = String(profile['acp_server']);
    const [key, url, file] = ACP_SECRETS[server] ?? [null, null, null];
    const { danglingServers: missing } = found;
    const errors = [
      ...(missing.length > 0 ? [`MCP server(s) not configured: ${missing.join(', ')}`] : []),
      ...(server === 'custom' && !profile['acp_command'] ? [NO_COMMAND] : []),
    ];
    return {
      ...this.summary(profile, found),
      valid: errors.length === 0,
      errors,
      resolved_mcp_config_keys: Object.keys(found.servers),
      acp_api_key_secret_name: key,
      acp_base_url_secret_name: url,
      acp_file_secret_names: file === null ? [] : [file],
      resolved_settings: errors.length === 0 ? resolvedAcpSettings(profile, found.servers) : null,
    };
  }

  /** What the answer says of every profile, in the order that clients know. */
  private summary(profile: JsonObject, found: ResolvedReferences): JsonObject {
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
      dangling_mcp_server_refs: found.danglingServers,
      disabled_skills: profile['disabled_skills'] ?? [],
      public_skills: profile['public_skills'] ?? null,
      resolved_skills: found.publicSkills.map(({ name }) => name),
      secret_refs: profile['secret_refs'] ?? null,
      acp_api_key_secret_name: null,
      acp_base_url_secret_name: null,
      acp_file_secret_names: [],
      meta_profile_ref: profile['meta_profile_ref'] ?? null,
      dangling_meta_profile_ref: found.danglingMeta,
      dangling_meta_profile_llm_refs: found.danglingMetaLlms,
      resolved_settings: null,
    };
  }

  /** A model that is there and cannot be used is a finding, too. */
  private async found(profile: JsonObject): Promise<{ found: ResolvedReferences; problem?: string }> {
    try {
      return { found: await this.references.resolve(profile) };
    } catch (error) {
      if (!(error instanceof DanglingConnectionError || error instanceof UnusableProfileError)) throw error;
      const found = await this.references.resolve({ ...profile, llm_profile_ref: '0' });
      const llmName = String(profile['llm_profile_ref']);
      return { found: { ...found, llmName, llm: undefined }, problem: error.message };
    }
  }

  private isUsable(name: string): boolean {
    if (name === 'browser_tool_set' && !this.config.enable_browser) return false;
    return this.tools.has(name);
  }
}

function problemTexts(found: ResolvedReferences, problem: string | undefined, unusable: string[]): string[] {
  const { llm, llmName, danglingServers, danglingMeta, danglingMetaLlms } = found;
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

/** The settings of the agent, secrets masked. */
function resolvedSettings(
  profile: JsonObject,
  llm: JsonObject,
  found: ResolvedReferences,
): JsonObject | null {
  const settings = settingsFromProfile(profile, llm, found);
  const full = completeAgent(settings, settings);
  return full ? maskSecrets(full) : null;
}

/** The same for an agent from elsewhere. */
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
