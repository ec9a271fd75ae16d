import { ACP_SERVERS, FILE_SECRETS } from '../../acp/index.js';
import { model } from '../../http/validation/dto.js';
import { Field } from '../../http/validation/field.js';
import {
  anyObject,
  choice,
  decimal,
  flag,
  integer,
  listOf,
  nullable,
  recordOf,
  text,
} from '../../http/validation/field-type.js';
import type { JsonObject } from '../../json/index.js';
import { AgentContextDto, type ToolDto, agentContext, tool } from './agent-context.dto.js';
import { condenserSettings, LLMSummarizingCondenserSettingsDto } from './condenser-settings.dto.js';
import { LLMDto, llm } from './llm.dto.js';
import { mcpServer } from './mcp-server.dto.js';
import { metaProfile, type MetaProfileDto } from '../meta-profiles/meta-profile.dto.js';
import { VerificationSettingsDto } from './verification-settings.dto.js';

/** The version of agent settings that this server writes. */
export const AGENT_SETTINGS_VERSION = 9;

/** The agent of new conversations. The order of the fields is the order in files and answers. */
export class OpenHandsAgentSettingsDto {
  @Field(integer({ ge: 1 }))
  schema_version = AGENT_SETTINGS_VERSION;

  @Field(choice(['openhands']))
  agent_kind = 'openhands';

  @Field(text(), 'Kept for other programs; there is one agent.')
  agent = 'CodeActAgent';

  @Field(llm())
  llm = new LLMDto();

  @Field(nullable(listOf(tool)), 'Tools of the agent; null: the usual ones.')
  tools: ToolDto[] | null = null;

  @Field(flag(), 'Let the agent hand a task to the model that the active meta-profile chooses.')
  enable_classify_and_switch_llm_tool = false;

  @Field(nullable(text()), 'The meta-profile that chooses models.')
  active_meta_profile: string | null = null;

  @Field(nullable(metaProfile))
  meta_profile: MetaProfileDto | null = null;

  @Field(recordOf(anyObject()))
  meta_profile_llms: Record<string, JsonObject> = {};

  @Field(integer({ ge: 1 }), 'Tool calls of one step that may run at the same time.')
  tool_concurrency_limit = 1;

  @Field(recordOf(mcpServer), 'MCP servers by name.')
  mcp_config: Record<string, JsonObject> = {};

  @Field(nullable(text({ min: 1, max: 65_536 })), 'Who the agent is.')
  persona: string | null = null;

  @Field(agentContext)
  agent_context: AgentContextDto | null = new AgentContextDto();

  @Field(condenserSettings)
  condenser: object = new LLMSummarizingCondenserSettingsDto();

  @Field(model(VerificationSettingsDto))
  verification = new VerificationSettingsDto();
}

/** An agent from elsewhere: a program that speaks the Agent Client Protocol. */
export class ACPAgentSettingsDto {
  @Field(integer({ ge: 1 }))
  schema_version = AGENT_SETTINGS_VERSION;

  @Field(choice(['acp']))
  agent_kind = 'acp';

  @Field(choice(ACP_SERVERS), 'The program that runs the agent.')
  acp_server = 'claude-code';

  @Field(listOf(text()), 'The command of a custom program, or another one for a known program.')
  acp_command: string[] = [];

  @Field(listOf(text()), 'Further arguments of the command.')
  acp_args: string[] = [];

  @Field(nullable(text()), 'The model, in the words of the program; null: its own choice.')
  acp_model: string | null = null;

  @Field(nullable(text()), 'The mode of its sessions; null: its own choice.')
  acp_session_mode: string | null = null;

  @Field(decimal({ gt: 0 }), 'Seconds without a word from the program until a prompt is given up.')
  acp_prompt_timeout = 1800;

  @Field(decimal({ gt: 0 }), 'Seconds that the program may take to start.')
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
