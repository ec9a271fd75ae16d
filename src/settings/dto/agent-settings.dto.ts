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
  @Field(integer({ ge: 1 }), 'Version of the format of these settings; this server writes 9.')
  schema_version = AGENT_SETTINGS_VERSION;

  @Field(choice(['openhands']), 'Marks settings of the built-in agent.')
  agent_kind = 'openhands';

  @Field(text(), 'Stored for other programs; not used.')
  agent = 'CodeActAgent';

  @Field(llm(), 'The model of the agent, and how it is called.')
  llm = new LLMDto();

  @Field(nullable(listOf(tool)), 'Tools of the agent; null: the default tools.')
  tools: ToolDto[] | null = null;

  @Field(flag(), 'Let the agent switch to the model that the active meta-profile chooses for a task.')
  enable_classify_and_switch_llm_tool = false;

  @Field(nullable(text()), 'Name of the meta-profile that chooses models for tasks; null: none.')
  active_meta_profile: string | null = null;

  @Field(
    nullable(metaProfile),
    'The meta-profile itself, which takes precedence over the name; null: the stored one with that name.',
  )
  meta_profile: MetaProfileDto | null = null;

  @Field(
    recordOf(anyObject()),
    'Models by the names that the meta-profile uses. They take precedence over LLM profiles.',
  )
  meta_profile_llms: Record<string, JsonObject> = {};

  @Field(integer({ ge: 1 }), 'Maximum number of concurrent tool calls.')
  tool_concurrency_limit = 1;

  @Field(recordOf(mcpServer), 'MCP servers by name.')
  mcp_config: Record<string, JsonObject> = {};

  @Field(
    nullable(text({ min: 1, max: 65_536 })),
    'Describes who the agent is. The parts of the system prompt about coding are left out then. Null: the ' +
      'default prompt.',
  )
  persona: string | null = null;

  @Field(agentContext, 'Skills and texts that are added to the prompt and to messages; null: none.')
  agent_context: AgentContextDto | null = new AgentContextDto();

  @Field(condenserSettings, 'When and how old events are replaced by summaries.')
  condenser: object = new LLMSummarizingCondenserSettingsDto();

  @Field(model(VerificationSettingsDto), 'Whether and how a critic evaluates the work of the agent.')
  verification = new VerificationSettingsDto();
}

/** Settings of an ACP agent. */
export class ACPAgentSettingsDto {
  @Field(integer({ ge: 1 }), 'Version of the format of these settings; this server writes 9.')
  schema_version = AGENT_SETTINGS_VERSION;

  @Field(
    choice(['acp']),
    'Marks settings of an ACP agent: an external program that speaks the Agent Client Protocol.',
  )
  agent_kind = 'acp';

  @Field(
    choice(ACP_SERVERS),
    'The known program that runs the agent, or `custom` for the program in `acp_command`.',
  )
  acp_server = 'claude-code';

  @Field(
    listOf(text()),
    'Program and its first arguments, for a custom agent or in place of the command of a known one. Empty: ' +
      "the known one's.",
  )
  acp_command: string[] = [];

  @Field(listOf(text()), 'Further arguments of the command.')
  acp_args: string[] = [];

  @Field(nullable(text()), "Id of the model, one of those that the agent offers; null: the agent's default.")
  acp_model: string | null = null;

  @Field(nullable(text()), "Session mode, one of those that the agent offers; null: the agent's default.")
  acp_session_mode: string | null = null;

  @Field(decimal({ gt: 0 }), 'Seconds without any update of the agent after which a turn is ended.')
  acp_prompt_timeout = 1800;

  @Field(decimal({ gt: 0 }), 'Time limit for starting the program and its session in seconds.')
  acp_startup_timeout = 90;

  @Field(recordOf(mcpServer), 'MCP servers by name. The agent connects to them, not this server.')
  mcp_config: Record<string, JsonObject> = {};

  @Field(
    flag(),
    "Keep the agent's own data in the conversation's folder instead of the user's home; for known agents " +
      'only.',
  )
  acp_isolate_data_dir = false;

  @Field(listOf(anyObject()), 'Secrets that are passed to the agent in files, such as its credentials.')
  acp_file_secrets: JsonObject[] = FILE_SECRETS.map((spec) => ({ ...spec }));

  @Field(agentContext, 'Skills and texts that are added to messages for the agent; null: none.')
  agent_context: AgentContextDto | null = null;
}
