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

  @Field(choice(['LLMSummarizingCondenser']), 'Selects summaries of a model in place of old events.')
  kind = 'LLMSummarizingCondenser';
}

/** Does not condense. */
class NoOpCondenserDto {
  @Field(choice(['NoOpCondenser']), 'Selects no condensation: the history is never shortened.')
  kind = 'NoOpCondenser';
}

const CONDENSER_NAMES = {
  union: 'openhands.sdk.context.condenser.base.CondenserBase',
  className: 'CondenserBase',
};

/** Applies several condensers in order. */
export class PipelineCondenserDto {
  @Field(
    listOf(oneOfKinds(() => CONDENSERS, CONDENSER_NAMES)),
    'Condensers in the order in which they are applied.',
  )
  condensers!: object[];

  @Field(choice(['PipelineCondenser']), 'Selects several condensers, one after the other.')
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
  @Field(decimal({ ge: 0, le: 1 }), 'Score from 0 to 1 from which the work is accepted.')
  success_threshold = 0.6;

  @Field(
    integer({ ge: 1 }),
    'Maximum number of times that the agent is asked to continue after one user message.',
  )
  max_iterations = 3;
}

abstract class CriticFields {
  @Field(
    choice(['finish_and_message', 'all_actions']),
    'When the critic runs: `finish_and_message` when the agent ends its turn, `all_actions` after every ' +
      'action.',
  )
  mode = 'finish_and_message';

  @Field(
    nullable(model(IterativeRefinementConfigDto, { className: 'IterativeRefinementConfig' })),
    'When the agent is asked to continue because of a low score; null: never.',
  )
  iterative_refinement: IterativeRefinementConfigDto | null = null;
}

/** Satisfied when the agent finishes. */
class AgentFinishedCriticDto extends CriticFields {
  @Field(
    choice(['AgentFinishedCritic']),
    'Selects a critic that is satisfied when the agent calls `finish` and the workspace has changes.',
  )
  kind = 'AgentFinishedCritic';
}

/** Satisfied if the workspace has changes. */
class EmptyPatchCriticDto extends CriticFields {
  @Field(choice(['EmptyPatchCritic']), 'Selects a critic that is satisfied if the workspace has changes.')
  kind = 'EmptyPatchCritic';
}

/** Always satisfied. */
class PassCriticDto extends CriticFields {
  @Field(choice(['PassCritic']), 'Selects a critic that is always satisfied.')
  kind = 'PassCritic';
}

/** Asks a service that returns a probability for each label, in this order. */
export class APIBasedCriticDto {
  @Field(text(), 'URL of the service; `/classify` is added to it.')
  server_url = 'https://llm-proxy.app.all-hands.dev/vllm';

  @Field(text({ secret: true }), 'Key that the service is sent as a bearer token.')
  api_key!: string;

  @Field(text(), 'Model that the service uses.')
  model_name = 'critic';

  @Field(text(), 'Stored but not used: the service receives text.')
  tokenizer_name = 'Qwen/Qwen3-4B-Instruct-2507';

  @Field(flag(), 'Send the definitions of the tools as a part of the dialogue.')
  pass_tools_definitions = true;

  @Field(decimal({ ge: 0 }), 'Time limit of one request in seconds.')
  timeout_seconds = 300;

  @Field(
    flag(),
    'Whether the first probability is that of success. Otherwise the score is derived from the most likely ' +
      'issue.',
  )
  has_success_label = true;

  @Field(listOf(text()), 'Labels of the mood of the user, in the order of the answer of the service.')
  sentiment_labels = ['sentiment_positive', 'sentiment_neutral', 'sentiment_negative'];

  @Field(
    listOf(text()),
    'Labels of mistakes of the agent, in the order of the answer. Likely ones are named to the agent.',
  )
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

  @Field(listOf(text()), 'Labels of problems of the environment, in the order of the answer.')
  infra_labels = ['infrastructure_external_issue', 'infrastructure_agent_caused_issue'];

  @Field(listOf(text()), 'Labels of how the user may react, in the order of the answer.')
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

  @Field(recordOf(text()), 'Labels of moods by their name for people. Stored but not used.')
  sentiment_map: Record<string, string> = {
    Positive: 'sentiment_positive',
    Neutral: 'sentiment_neutral',
    Negative: 'sentiment_negative',
  };

  @Field(
    choice(['finish_and_message', 'all_actions']),
    'When the critic runs: `finish_and_message` when the agent ends its turn, `all_actions` after every ' +
      'action.',
  )
  mode = 'finish_and_message';

  @Field(
    nullable(model(IterativeRefinementConfigDto, { className: 'IterativeRefinementConfig' })),
    'When the agent is asked to continue because of a low score; null: never.',
  )
  iterative_refinement: IterativeRefinementConfigDto | null = null;

  @Field(decimal({ ge: 0, le: 1 }), 'Probability from 0 to 1 from which an issue is reported.')
  issue_threshold = 0.75;

  @Field(choice(['APIBasedCritic']), 'Selects a service that returns a probability for each label.')
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
  @Field(listOf(tool), 'Tools of the agent, by name, with their options.')
  tools: ToolDto[] = [];

  @Field(recordOf(mcpServer), 'MCP servers by name, whose tools the agent gets.')
  mcp_config: Record<string, JsonObject> = {};

  @Field(nullable(text()), 'Only tools whose names match this regular expression are available; null: all.')
  filter_tools_regex: string | null = null;

  @Field(listOf(text()), 'Class names of the built-in tools that the agent has besides `tools`.')
  include_default_tools: string[] = ['FinishTool', 'ThinkTool'];

  @Field(agentContext, 'Skills and texts that are added to the prompt and to messages; null: none.')
  agent_context: AgentContextDto | null = null;

  @Field(
    nullable(text()),
    'Text of the system prompt in place of the default one; null: the one of `system_prompt_filename`.',
  )
  system_prompt: string | null = null;

  @Field(
    text(),
    'Template of the system prompt: `system_prompt.j2`, `system_prompt_planning.j2`, or the path of a ' +
      'template file on the server.',
  )
  system_prompt_filename = DEFAULT_PROMPT_FILE;

  @Field(
    nullable(text()),
    'Text of the security policy in the prompt: `security_policy.j2` for the default one, or the path of a ' +
      'file on the server. Null: no policy.',
  )
  security_policy_filename: string | null = 'security_policy.j2';

  @Field(anyObject(), 'Variables of the prompt template, such as `cli_mode` and `llm_security_analyzer`.')
  system_prompt_kwargs: JsonObject = {};

  @Field(nullable(condenser), 'When and how old events are replaced by summaries; null: not at all.')
  condenser: object | null = null;

  @Field(nullable(critic), 'Evaluates the work of the agent; null: nobody does.')
  critic: object | null = null;

  @Field(integer({ ge: 1 }), 'Maximum number of concurrent tool calls.')
  tool_concurrency_limit = 1;
}

/** The built-in agent. */
export class AgentDto extends AgentFields {
  @Field(llm(), 'The model of the agent, and how it is called.')
  llm!: LLMDto;

  @Field(
    nullable(text()),
    'Describes who the agent is. The parts of the system prompt about coding are left out then. Null: the ' +
      'default prompt.',
  )
  persona: string | null = null;

  @Field(choice(['Agent']), 'Marks the built-in agent.')
  kind = 'Agent';
}
