import {
  model,
  oneOfKinds,
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
} from '../../../../http/index.js';
import {
  type AgentContextDto,
  type ToolDto,
  agentContext,
  tool,
  LLMDto,
  llm,
  mcpServer,
} from '../../../../settings/index.js';
import type { JsonObject } from '../../../../json/index.js';

/** Replaces old events by a summary when the history grows. */
export class LLMSummarizingCondenserDto {
  @Field(llm(), 'The model that writes the summaries.')
  llm!: LLMDto;

  @Field(integer({ gt: 0 }), 'Number of events.')
  max_size = 240;

  @Field(nullable(integer()))
  max_tokens: number | null = null;

  @Field(integer({ ge: 0 }), 'Number of events at the start that are always kept.')
  keep_first = 2;

  @Field(decimal({ gt: 0, lt: 1 }))
  minimum_progress = 0.1;

  @Field(integer({ gt: 0 }))
  hard_context_reset_max_retries = 5;

  @Field(decimal({ gt: 0, lt: 1 }))
  hard_context_reset_context_scaling = 0.8;

  @Field(choice(['LLMSummarizingCondenser']))
  kind = 'LLMSummarizingCondenser';
}

/** Does not condense. */
class NoOpCondenserDto {
  @Field(choice(['NoOpCondenser']))
  kind = 'NoOpCondenser';
}

const CONDENSER_NAMES = {
  union: 'openhands.sdk.context.condenser.base.CondenserBase',
  className: 'CondenserBase',
};

/** Applies several condensers in order. */
export class PipelineCondenserDto {
  @Field(listOf(oneOfKinds(() => CONDENSERS, CONDENSER_NAMES)))
  condensers!: object[];

  @Field(choice(['PipelineCondenser']))
  kind = 'PipelineCondenser';
}

const CONDENSERS = {
  LLMSummarizingCondenser: LLMSummarizingCondenserDto,
  NoOpCondenser: NoOpCondenserDto,
  PipelineCondenser: PipelineCondenserDto,
};

/** A condenser. */
export const condenser = oneOfKinds(() => CONDENSERS, CONDENSER_NAMES);

/** When a critic asks the agent to continue. */
class IterativeRefinementConfigDto {
  @Field(decimal({ ge: 0, le: 1 }))
  success_threshold = 0.6;

  @Field(integer({ ge: 1 }))
  max_iterations = 3;
}

abstract class CriticFields {
  @Field(choice(['finish_and_message', 'all_actions']))
  mode = 'finish_and_message';

  @Field(nullable(model(IterativeRefinementConfigDto, { className: 'IterativeRefinementConfig' })))
  iterative_refinement: IterativeRefinementConfigDto | null = null;
}

/** Satisfied when the agent finishes. */
class AgentFinishedCriticDto extends CriticFields {
  @Field(choice(['AgentFinishedCritic']))
  kind = 'AgentFinishedCritic';
}

/** Satisfied if the workspace has changes. */
class EmptyPatchCriticDto extends CriticFields {
  @Field(choice(['EmptyPatchCritic']))
  kind = 'EmptyPatchCritic';
}

/** Always satisfied. */
class PassCriticDto extends CriticFields {
  @Field(choice(['PassCritic']))
  kind = 'PassCritic';
}

/** Asks a service that returns a probability for each label, in this order. */
export class APIBasedCriticDto {
  @Field(text())
  server_url = 'https://llm-proxy.app.all-hands.dev/vllm';

  @Field(text({ secret: true }))
  api_key!: string;

  @Field(text())
  model_name = 'critic';

  @Field(text(), 'Stored but not used: the service receives text.')
  tokenizer_name = 'Qwen/Qwen3-4B-Instruct-2507';

  @Field(flag())
  pass_tools_definitions = true;

  @Field(decimal({ ge: 0 }), 'Seconds.')
  timeout_seconds = 300;

  @Field(flag(), 'Whether the first label is success.')
  has_success_label = true;

  @Field(listOf(text()))
  sentiment_labels = ['sentiment_positive', 'sentiment_neutral', 'sentiment_negative'];

  @Field(listOf(text()))
  agent_issue_labels = [
    'misunderstood_intention',
    'did_not_follow_instruction',
    'insufficient_analysis',
    'insufficient_clarification',
    'improper_tool_use_or_setup',
    'loop_behavior',
    'insufficient_testing',
    'insufficient_debugging',
    'incomplete_implementation',
    'file_management_errors',
    'scope_creep',
    'risky_actions_or_permission',
    'other_agent_issue',
  ];

  @Field(listOf(text()))
  infra_labels = ['infrastructure_external_issue', 'infrastructure_agent_caused_issue'];

  @Field(listOf(text()))
  user_followup_labels = [
    'clarification_or_restatement',
    'correction',
    'direction_change',
    'vcs_update_requests',
    'progress_or_scope_concern',
    'frustration_or_complaint',
    'removal_or_reversion_request',
    'other_user_issue',
  ];

  @Field(recordOf(text()))
  sentiment_map: Record<string, string> = {
    Positive: 'sentiment_positive',
    Neutral: 'sentiment_neutral',
    Negative: 'sentiment_negative',
  };

  @Field(choice(['finish_and_message', 'all_actions']))
  mode = 'finish_and_message';

  @Field(nullable(model(IterativeRefinementConfigDto, { className: 'IterativeRefinementConfig' })))
  iterative_refinement: IterativeRefinementConfigDto | null = null;

  @Field(decimal({ ge: 0, le: 1 }), 'Probability from which an issue is reported.')
  issue_threshold = 0.75;

  @Field(choice(['APIBasedCritic']))
  kind = 'APIBasedCritic';
}

const critic = oneOfKinds(
  () => ({
    AgentFinishedCritic: AgentFinishedCriticDto,
    APIBasedCritic: APIBasedCriticDto,
    EmptyPatchCritic: EmptyPatchCriticDto,
    PassCritic: PassCriticDto,
  }),
  { union: 'openhands.sdk.critic.base.CriticBase', className: 'CriticBase' },
);

/** The default system prompt template. It cannot be combined with `system_prompt`. */
export const DEFAULT_PROMPT_FILE = 'system_prompt.j2';

/** Fields of all kinds of agents. */
export abstract class AgentFields {
  @Field(listOf(tool))
  tools: ToolDto[] = [];

  @Field(recordOf(mcpServer), 'MCP servers by name.')
  mcp_config: Record<string, JsonObject> = {};

  @Field(nullable(text()), 'Only tools whose names match are available.')
  filter_tools_regex: string | null = null;

  @Field(listOf(text()))
  include_default_tools: string[] = ['FinishTool', 'ThinkTool'];

  @Field(agentContext)
  agent_context: AgentContextDto | null = null;

  @Field(nullable(text()), 'Replaces the default system prompt.')
  system_prompt: string | null = null;

  @Field(text())
  system_prompt_filename = DEFAULT_PROMPT_FILE;

  @Field(nullable(text()))
  security_policy_filename: string | null = 'security_policy.j2';

  @Field(anyObject())
  system_prompt_kwargs: JsonObject = {};

  @Field(nullable(condenser))
  condenser: object | null = null;

  @Field(nullable(critic))
  critic: object | null = null;

  @Field(integer({ ge: 1 }), 'Maximum number of concurrent tool calls.')
  tool_concurrency_limit = 1;
}

/** The built-in agent. */
export class AgentDto extends AgentFields {
  @Field(llm())
  llm!: LLMDto;

  @Field(nullable(text()))
  persona: string | null = null;

  @Field(choice(['Agent']))
  kind = 'Agent';
}
