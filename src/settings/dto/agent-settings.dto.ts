import { ACP_SERVERS, FILE_SECRETS } from '../../acp/index.js';
import {
  model,
  Field,
  anyObject,
  choice,
  decimal,
  flag,
  integer,
  listOf,
  nullable,
  recordOf,
  text,
} from '../../http/index.js';
import type { JsonObject } from '../../json/index.js';
import { AgentContextDto, type ToolDto, agentContext, tool } from './agent-context.dto.js';
import { condenserSettings, LLMSummarizingCondenserSettingsDto } from './condenser-settings.dto.js';
import { LLMDto, llm } from './llm.dto.js';
import { mcpServer } from './mcp-server.dto.js';
import { metaProfile, type MetaProfileDto } from '../meta-profiles/meta-profile.dto.js';
import { VerificationSettingsDto } from './verification-settings.dto.js';

/** The version of agent settings that this server writes. */
export const AGENT_SETTINGS_VERSION = 9;

/** Settings of the built-in agent. The order of the fields is the order in files and answers. */
export class OpenHandsAgentSettingsDto {
  @Field(integer({ ge: 1 }))
  schema_version = AGENT_SETTINGS_VERSION;

  @Field(choice(['openhands']))
  agent_kind = 'openhands';

  @Field(text(), 'Stored for other programs; not used.')
  agent = 'CodeActAgent';

  @Field(llm())
  llm = new LLMDto();

  @Field(nullable(listOf(tool)), 'Tools of the agent; null: the default tools.')
  tools: ToolDto[] | null = null;

  @Field(flag(), 'Let the agent switch to the model that the active meta-profile chooses for a task.')
  enable_classify_and_switch_llm_tool = false;

  @Field(nullable(text()), 'The meta-profile that chooses models.')
  active_meta_profile: string | null = null;

  @Field(nullable(metaProfile))
  meta_profile: MetaProfileDto | null = null;

  @Field(recordOf(anyObject()))
  meta_profile_llms: Record<string, JsonObject> = {};

  @Field(integer({ ge: 1 }), 'Maximum number of concurrent tool calls.')
  tool_concurrency_limit = 1;

  @Field(recordOf(mcpServer), 'MCP servers by name.')
  mcp_config: Record<string, JsonObject> = {};

  @Field(nullable(text({ min: 1, max: 65_536 })), 'Describes who the agent is.')
  persona: string | null = null;

  @Field(agentContext)
  agent_context: AgentContextDto | null = new AgentContextDto();

  @Field(condenserSettings)
  condenser: object = new LLMSummarizingCondenserSettingsDto();

  @Field(model(VerificationSettingsDto))
  verification = new VerificationSettingsDto();
}

/** Settings of an ACP agent. */
export class ACPAgentSettingsDto {
  @Field(integer({ ge: 1 }))
  schema_version = AGENT_SETTINGS_VERSION;

  @Field(choice(['acp']))
  agent_kind = 'acp';

  @Field(choice(ACP_SERVERS), 'The program that runs the agent.')
  acp_server = 'claude-code';

  @Field(listOf(text()), 'The command of a custom agent, or a replacement for the command of a known agent.')
  acp_command: string[] = [];

  @Field(listOf(text()), 'Further arguments of the command.')
  acp_args: string[] = [];

  @Field(nullable(text()), "The model id, one of those that the agent offers; null: the agent's default.")
  acp_model: string | null = null;

  @Field(nullable(text()), "The session mode; null: the agent's default.")
  acp_session_mode: string | null = null;

  @Field(decimal({ gt: 0 }), 'Seconds without any update after which a prompt is aborted.')
  acp_prompt_timeout = 1800;

  @Field(decimal({ gt: 0 }), 'Time limit for starting the program, in seconds.')
  acp_startup_timeout = 90;

  @Field(recordOf(mcpServer))
  mcp_config: Record<string, JsonObject> = {};

  @Field(flag())
  acp_isolate_data_dir = false;

  @Field(listOf(anyObject()))
  acp_file_secrets: JsonObject[] = FILE_SECRETS.map((spec) => ({ ...spec }));

  @Field(agentContext)
  agent_context: AgentContextDto | null = null;
}
