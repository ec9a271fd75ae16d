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
  @Field(
    choice(['llm_summarizing', 'noop', 'no_op']),
    '`llm_summarizing`: replace old events by summaries; `noop` or `no_op`: do not condense.',
  )
  condenser_kind = 'llm_summarizing';

  @Field(flag(), 'Whether the history is condensed at all.')
  enabled = true;

  @Field(integer({ gt: 0 }), 'Maximum number of events before old ones are summarized.')
  max_size = 240;

  @Field(
    nullable(integer()),
    'Maximum number of tokens before old events are summarized; null: the input limit of the model.',
  )
  max_tokens: number | null = null;

  @Field(integer({ ge: 0 }), 'Number of events at the start that are always kept.')
  keep_first = 2;

  @Field(
    decimal({ gt: 0, lt: 1 }),
    'Minimum share of the events that a condensation must remove, from 0 to 1.',
  )
  minimum_progress = 0.1;

  @Field(
    integer({ gt: 0 }),
    'How often summarizing everything is repeated with a shorter text if it does not fit the model.',
  )
  hard_context_reset_max_retries = 5;

  @Field(decimal({ gt: 0, lt: 1 }), 'Factor by which each of these attempts shortens the text to summarize.')
  hard_context_reset_context_scaling = 0.8;
}

/** Agent settings of a request. */
export class AgentSettingsDto {
  @Field(
    choice(['openhands', 'llm', 'acp']),
    '`openhands` or `llm`: the built-in agent; `acp`: an external agent.',
  )
  agent_kind = 'openhands';

  @Field(llm(), 'The model of the agent, and how it is called.')
  llm: LLMDto = new LLMDto();

  @Field(nullable(listOf(tool)), 'Tools of the agent; null: terminal, file_editor and task_tracker.')
  tools: ToolDto[] | null = null;

  @Field(recordOf(mcpServer), 'MCP servers by name, whose tools the agent gets.')
  mcp_config: Record<string, JsonObject> = {};

  @Field(
    nullable(text()),
    'Describes who the agent is. The parts of the system prompt about coding are left out then. Null: the ' +
      'default prompt.',
  )
  persona: string | null = null;

  @Field(agentContext, 'Skills and texts that are added to the prompt and to messages; null: none.')
  agent_context: AgentContextDto | null = new AgentContextDto();

  @Field(model(CondenserSettingsDto), 'When and how old events are replaced by summaries.')
  condenser = new CondenserSettingsDto();

  @Field(flag(), 'Let the agent switch to the model that a meta-profile chooses for a task.')
  enable_classify_and_switch_llm_tool = false;

  @Field(nullable(text()), "The meta-profile to use; null: the one that is active in the server's settings.")
  active_meta_profile: string | null = null;

  @Field(
    nullable(metaProfile),
    'The meta-profile itself, which takes precedence over the name; null: the stored one with that name.',
  )
  meta_profile: MetaProfileDto | null = null;

  @Field(recordOf(llm()), 'Models by the names in the meta-profile. They take precedence over LLM profiles.')
  meta_profile_llms: Record<string, LLMDto> = {};

  @Field(model(VerificationSettingsDto), 'Whether and how a critic evaluates the work of the agent.')
  verification = new VerificationSettingsDto();

  @Field(integer({ ge: 1 }), 'Maximum number of concurrent tool calls.')
  tool_concurrency_limit = 1;
}
