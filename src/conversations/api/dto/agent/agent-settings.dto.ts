import {
  model,
  Field,
  choice,
  decimal,
  flag,
  integer,
  listOf,
  nullable,
  recordOf,
  text,
} from '../../../../http/index.js';
import {
  AgentContextDto,
  type ToolDto,
  agentContext,
  tool,
  LLMDto,
  llm,
  type MetaProfileDto,
  metaProfile,
  mcpServer,
  VerificationSettingsDto,
} from '../../../../settings/index.js';
import type { JsonObject } from '../../../../json/index.js';

/** Condenser settings of an agent. */
class CondenserSettingsDto {
  @Field(choice(['llm_summarizing', 'noop', 'no_op']))
  condenser_kind = 'llm_summarizing';

  @Field(flag())
  enabled = true;

  @Field(integer({ gt: 0 }))
  max_size = 240;

  @Field(nullable(integer()))
  max_tokens: number | null = null;

  @Field(integer({ ge: 0 }))
  keep_first = 2;

  @Field(decimal({ gt: 0, lt: 1 }))
  minimum_progress = 0.1;

  @Field(integer({ gt: 0 }))
  hard_context_reset_max_retries = 5;

  @Field(decimal({ gt: 0, lt: 1 }))
  hard_context_reset_context_scaling = 0.8;
}

/** Agent settings of a request. */
export class AgentSettingsDto {
  @Field(choice(['openhands', 'llm', 'acp']))
  agent_kind = 'openhands';

  @Field(llm())
  llm: LLMDto = new LLMDto();

  @Field(nullable(listOf(tool)), 'Null: terminal, file_editor and task_tracker.')
  tools: ToolDto[] | null = null;

  @Field(recordOf(mcpServer))
  mcp_config: Record<string, JsonObject> = {};

  @Field(nullable(text()))
  persona: string | null = null;

  @Field(agentContext)
  agent_context: AgentContextDto | null = new AgentContextDto();

  @Field(model(CondenserSettingsDto))
  condenser = new CondenserSettingsDto();

  @Field(flag(), 'Let the agent switch to the model that a meta-profile chooses for a task.')
  enable_classify_and_switch_llm_tool = false;

  @Field(nullable(text()), "The meta-profile to use; null: the one that is active in the server's settings.")
  active_meta_profile: string | null = null;

  @Field(nullable(metaProfile))
  meta_profile: MetaProfileDto | null = null;

  @Field(recordOf(llm()), 'Models by the names in the meta-profile. They take precedence over LLM profiles.')
  meta_profile_llms: Record<string, LLMDto> = {};

  @Field(model(VerificationSettingsDto))
  verification = new VerificationSettingsDto();

  @Field(integer({ ge: 1 }))
  tool_concurrency_limit = 1;
}
