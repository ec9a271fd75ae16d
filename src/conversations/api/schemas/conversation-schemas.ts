import { describedFields, objectSchema, refTo, type DtoClass, type JsonSchema } from '../../../http/index.js';
import { asJsonObject } from '../../../json/index.js';
import { agent } from '../dto/agent/any-agent.dto.js';
import { ClientToolSpecDto, LocalWorkspaceDto } from '../dto/start-conversation.dto.js';
import { HookConfigDto } from '../dto/agent/hook-config.dto.js';
import { confirmationPolicy, secretSource, securityAnalyzer } from '../dto/policies.dto.js';
import { EVENT_SCHEMAS } from './event-schemas.js';
import { list, NEXT_PAGE, orNull, ref, words } from './schema-parts.js';
import { toolCallSchemas } from './tool-call-schemas.js';

const dtoRef = (dto: DtoClass): JsonSchema => ({ $ref: refTo(dto) });
const recordOf = (additionalProperties: JsonSchema): JsonSchema => ({ type: 'object', additionalProperties });
const text: JsonSchema = { type: 'string' };
const id: JsonSchema = { type: 'string', format: 'uuid' };
const moment: JsonSchema = { type: 'string', format: 'date-time' };
const anyObject: JsonSchema = { type: 'object', additionalProperties: true };
const count: JsonSchema = { type: 'integer', minimum: 0 };

const EXECUTION_STATUS =
  '`idle`: no run yet. `running`: a run is active. `paused`, `waiting_for_confirmation`: a run can be continued. ' +
  '`finished`: the agent is done. `error`, `stuck`: the run failed or repeated itself. `deleting`: it is being deleted.';
const COST = 'Cost so far in US dollars.';
const BUDGET = 'Always null: `max_budget_per_run` is the limit of a conversation.';

/**
 * Schemas of conversations and events. A function, because unions resolve their classes when it is called.
 */
export function conversationSchemas(): Record<string, JsonSchema> {
  return {
    Success: {
      type: 'object',
      properties: describedFields({
        success: [
          { type: 'boolean', default: true },
          'Always true: a request that fails is answered with an error.',
        ],
      }),
    },
    AgentResponseResult: objectSchema({
      response: [text, 'Text of the last `finish` call or message of the agent; empty if there is none yet.'],
      'structured_output?': [
        { type: 'object', additionalProperties: true },
        'The fields that the `response_schema` of `finish` asks for; absent if the answer has none.',
      ],
    }),
    ConversationPage: objectSchema({
      items: [list(ref('ConversationInfo')), 'Conversations in the requested order.'],
      next_page_id: NEXT_PAGE,
    }),
    ConversationRuntimeInfo: objectSchema({
      runtime_status: [
        words('available', 'starting', 'missing', 'ownership_lost', 'error'),
        'State of the place where commands are executed. On this server always `available`: its own machine.',
      ],
      can_resume: [{ type: 'boolean' }, 'Whether a run can start in this state; always true on this server.'],
      runtime_error: [
        orNull(
          objectSchema({
            code: [text, 'Kind of the error, for programs.'],
            message: [text, 'What went wrong, for people.'],
          }),
        ),
        'Why the runtime is not available; always null on this server.',
      ],
    }),
    StartChildConversationResponse: objectSchema({
      conversation_id: [id, 'Id of the child.'],
      parent_conversation_id: [id, 'Id of the conversation that the request names.'],
      status: [
        ref('ConversationExecutionStatus'),
        'Status of the child: `idle` until its first step begins.',
      ],
      title: [orNull(text), 'Title of the child; null: none yet.'],
      url: [orNull(text), 'Address of the child in a user interface; always null.'],
      workspace: [text, 'Absolute path of the folder in which the child works.'],
      isolation: [
        words('worktree', 'shared'),
        '`worktree`: a git worktree of its own; `shared`: the workspace of its parent.',
      ],
    }),
    ACPModelInfo: objectSchema({
      model_id: [text, 'Id of the model, for `acp_model` and for switching.'],
      name: [orNull(text), 'Name of the model for people; null if the agent does not say.'],
      description: [orNull(text), 'What the model is good for; null if the agent does not say.'],
    }),
    LaunchedAgentProfile: objectSchema({
      agent_profile_id: [id, 'Id under which the agent profile is stored.'],
      revision: [
        { type: 'integer', minimum: 0 },
        'Revision of the profile at the start of the conversation.',
      ],
      secret_refs: [orNull(list(text)), 'Names of secrets that the conversation may use; null: all.'],
      llm_profile_ref: [
        orNull(text),
        'LLM profile that was used in place of the one of the profile; null: none.',
      ],
    }),
    MetricsSnapshot: objectSchema({
      model_name: [text, 'Model that the figures are for, as `provider/model`.'],
      accumulated_cost: [{ type: 'number', minimum: 0 }, COST],
      max_budget_per_task: [orNull({ type: 'number' }), BUDGET],
      accumulated_token_usage: [orNull(ref('TokenUsage')), 'Tokens so far; null if there was no call.'],
    }),
    TokenUsage: objectSchema({
      model: [text, 'Model that the figures are for, as `provider/model`.'],
      prompt_tokens: [count, 'Tokens that the model read, cached ones included.'],
      completion_tokens: [count, 'Tokens that the model wrote, reasoning included.'],
      cache_read_tokens: [count, 'Tokens that the provider had cached.'],
      cache_write_tokens: [count, 'Tokens that the provider added to its cache.'],
      reasoning_tokens: [count, 'Tokens that the model wrote before its answer, if it reasons.'],
      context_window: [count, 'Context window of the model in tokens; 0 if unknown.'],
      per_turn_token: [count, 'Tokens read and written in the last answer.'],
      response_id: [text, 'Id of the answer of the model; empty for a sum.'],
    }),
    Metrics: objectSchema({
      model_name: [text, 'Model that the figures are for, as `provider/model`.'],
      accumulated_cost: [{ type: 'number' }, COST],
      max_budget_per_task: [orNull({ type: 'number' }), BUDGET],
      accumulated_token_usage: [
        orNull(ref('TokenUsage')),
        'Tokens of all answers together; null if there was no call.',
      ],
      costs: [
        list(anyObject),
        'Cost of each of the last 1,000 answers: `model`, `cost` in US dollars, `timestamp` in seconds since 1970.',
      ],
      response_latencies: [
        list(anyObject),
        'Time that each of the last 1,000 answers took: `model`, `latency` in seconds, `response_id`.',
      ],
      token_usages: [list(ref('TokenUsage')), 'Tokens of each of the last 1,000 answers.'],
    }),
    ConversationInfo: conversationInfo(),
    ...EVENT_SCHEMAS,
    ...toolCallSchemas(),
  };
}

function conversationInfo(): JsonSchema {
  const required = objectSchema({
    id: [id, 'Id of the conversation.'],
    workspace: [dtoRef(LocalWorkspaceDto), 'The folder in which the agent works.'],
    persistence_dir: [orNull(text), 'Path of the folder in which the server stores the conversation.'],
    max_iterations: [{ type: 'integer', exclusiveMinimum: 0 }, 'Maximum number of steps of one run.'],
    stuck_detection: [{ type: 'boolean' }, 'Whether a run that repeats itself is ended.'],
    execution_status: [ref('ConversationExecutionStatus'), EXECUTION_STATUS],
    confirmation_policy: [
      confirmationPolicy.schema(),
      'Before which actions the agent waits for a confirmation.',
    ],
    security_analyzer: [
      orNull(securityAnalyzer.schema()),
      'How the risk of actions is assessed; null: not at all.',
    ],
    activated_knowledge_skills: [list(text), 'Names of skills that messages have activated.'],
    invoked_skills: [list(text), 'Names of skills that the agent has read with `invoke_skill`.'],
    blocked_actions: [recordOf(text), 'Reasons by the id of an action that a hook has blocked.'],
    blocked_messages: [recordOf(text), 'Reasons by the id of a message that a hook has blocked.'],
    last_user_message_id: [orNull(text), 'Id of the last message of a user; null if there is none.'],
    leaf_event_id: [
      orNull(text),
      'Id of the last event of the active branch, which the next event follows; null if there is none.',
    ],
    stats: [
      objectSchema({
        usage_to_metrics: [recordOf(ref('Metrics')), 'Usage and cost by the `usage_id` of the model.'],
      }),
      'Usage and cost of all models of the conversation.',
    ],
    secret_registry: [
      objectSchema({
        secret_sources: [recordOf(secretSource.schema()), 'Sources of secrets by name, with values as null.'],
      }),
      'Secrets that the conversation can use.',
    ],
    agent_state: [
      anyObject,
      'What the agent remembers between runs, such as the session of an external agent.',
    ],
    hook_config: [orNull(dtoRef(HookConfigDto)), 'Hooks of the conversation; null: none.'],
    title: [orNull(text), 'Title of the conversation; null: none yet.'],
    metrics: [orNull(ref('MetricsSnapshot')), 'Always null: `stats` has the figures.'],
    created_at: [moment, 'Time of the start in UTC, with microseconds.'],
    updated_at: [moment, 'Time of the last event or change in UTC, with microseconds.'],
    forked_from_conversation_id: [orNull(id), 'Conversation of which this one is a fork; null: none.'],
    forked_from_event_id: [
      orNull(text),
      'Last event that the fork has copied; null: all of them, or no fork.',
    ],
    parent_conversation_id: [orNull(id), 'Conversation of which this one is a child; null: none.'],
    sub_conversation_ids: [list(id), 'Ids of the children of this conversation.'],
    tags: [recordOf(text), 'Labels of the conversation by key.'],
    current_model_id: [
      orNull(text),
      'Model that an external agent uses; null for the built-in agent, and before it runs.',
    ],
    available_models: [
      list(ref('ACPModelInfo')),
      'Models that an external agent offers; empty for the built-in agent.',
    ],
    supports_runtime_model_switch: [
      { type: 'boolean' },
      'Whether an external agent can switch models during a session.',
    ],
    launched_agent_profile: [
      orNull(ref('LaunchedAgentProfile')),
      'Agent profile with which the conversation was started; null: none.',
    ],
    agent: [agent.schema(), 'The agent with its model and tools, with secrets as null.'],
    client_tools: [list(dtoRef(ClientToolSpecDto)), 'Tools that the client executes.'],
    tool_module_qualnames: [recordOf(text), 'Python modules of the tools by name, for Python clients.'],
    runtime_info: [
      orNull(ref('ConversationRuntimeInfo')),
      'State of the place where commands are executed; null in answers to changes.',
    ],
  });
  const budget = describedFields({
    max_budget_per_run: [{ type: 'number' }, 'Budget in US dollars; absent without a budget.'],
  });
  const { properties } = required;
  return {
    title: 'ConversationInfo',
    ...required,
    properties: { ...asJsonObject(properties), ...budget },
  };
}
