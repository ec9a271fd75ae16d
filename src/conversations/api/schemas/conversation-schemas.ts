import { refTo, type DtoClass, type JsonSchema } from '../../../http/index.js';
import { agent } from '../dto/agent/any-agent.dto.js';
import { ClientToolSpecDto, LocalWorkspaceDto } from '../dto/start-conversation.dto.js';
import { HookConfigDto } from '../dto/agent/hook-config.dto.js';
import { confirmationPolicy, secretSource, securityAnalyzer } from '../dto/policies.dto.js';
import { EVENT_SCHEMAS } from './event-schemas.js';
import { list, object, orNull, ref, words } from './schema-parts.js';
import { toolCallSchemas } from './tool-call-schemas.js';

const dtoRef = (dto: DtoClass): JsonSchema => ({ $ref: refTo(dto) });
const recordOf = (additionalProperties: JsonSchema): JsonSchema => ({ type: 'object', additionalProperties });
const text: JsonSchema = { type: 'string' };
const id: JsonSchema = { type: 'string', format: 'uuid' };
const moment: JsonSchema = { type: 'string', format: 'date-time' };
const anyObject: JsonSchema = { type: 'object', additionalProperties: true };
const count: JsonSchema = { type: 'integer', minimum: 0 };

const tokens = {
  prompt_tokens: count,
  completion_tokens: count,
  cache_read_tokens: count,
  cache_write_tokens: count,
  reasoning_tokens: count,
  context_window: count,
  per_turn_token: count,
};

/**
 * Schemas of conversations and events. A function, because unions resolve their classes when it is called.
 */
export function conversationSchemas(): Record<string, JsonSchema> {
  return {
    Success: { type: 'object', properties: { success: { type: 'boolean', default: true } } },
    AgentResponseResult: object({ response: text }),
    ConversationPage: object({ items: list(ref('ConversationInfo')), next_page_id: orNull(text) }),
    ConversationRuntimeInfo: object({
      runtime_status: words('available', 'starting', 'missing', 'ownership_lost', 'error'),
      can_resume: { type: 'boolean' },
      runtime_error: orNull(object({ code: text, message: text })),
    }),
    StartChildConversationResponse: object({
      conversation_id: id,
      parent_conversation_id: id,
      status: ref('ConversationExecutionStatus'),
      title: orNull(text),
      url: orNull(text),
      workspace: text,
      isolation: words('worktree', 'shared'),
    }),
    ACPModelInfo: object({ model_id: text, name: orNull(text), description: orNull(text) }),
    LaunchedAgentProfile: object({
      agent_profile_id: id,
      revision: { type: 'integer', minimum: 0 },
      secret_refs: orNull(list(text)),
      llm_profile_ref: orNull(text),
    }),
    MetricsSnapshot: object({
      model_name: text,
      accumulated_cost: { type: 'number', minimum: 0, description: 'US dollars.' },
      max_budget_per_task: orNull({ type: 'number' }),
      accumulated_token_usage: orNull(ref('TokenUsage')),
    }),
    TokenUsage: object({ model: text, ...tokens, response_id: text }),
    Metrics: object({
      model_name: text,
      accumulated_cost: { type: 'number', description: 'US dollars.' },
      max_budget_per_task: orNull({ type: 'number' }),
      accumulated_token_usage: orNull(ref('TokenUsage')),
      costs: list(anyObject),
      response_latencies: list(anyObject),
      token_usages: list(ref('TokenUsage')),
    }),
    ConversationInfo: conversationInfo(),
    ...EVENT_SCHEMAS,
    ...toolCallSchemas(),
  };
}

function conversationInfo(): JsonSchema {
  const properties: Record<string, JsonSchema> = {
    id,
    workspace: dtoRef(LocalWorkspaceDto),
    persistence_dir: orNull(text),
    max_iterations: { type: 'integer', exclusiveMinimum: 0 },
    stuck_detection: { type: 'boolean' },
    execution_status: ref('ConversationExecutionStatus'),
    confirmation_policy: confirmationPolicy.schema(),
    security_analyzer: orNull(securityAnalyzer.schema()),
    activated_knowledge_skills: list(text),
    invoked_skills: list(text),
    blocked_actions: recordOf(text),
    blocked_messages: recordOf(text),
    last_user_message_id: orNull(text),
    leaf_event_id: orNull(text),
    stats: object({ usage_to_metrics: recordOf(ref('Metrics')) }),
    secret_registry: object({ secret_sources: recordOf(secretSource.schema()) }),
    agent_state: anyObject,
    hook_config: orNull(dtoRef(HookConfigDto)),
    title: orNull(text),
    metrics: orNull(ref('MetricsSnapshot')),
    created_at: moment,
    updated_at: moment,
    forked_from_conversation_id: orNull(id),
    forked_from_event_id: orNull(text),
    parent_conversation_id: orNull(id),
    sub_conversation_ids: list(id),
    tags: recordOf(text),
    current_model_id: orNull(text),
    available_models: list(ref('ACPModelInfo')),
    supports_runtime_model_switch: { type: 'boolean' },
    launched_agent_profile: orNull(ref('LaunchedAgentProfile')),
    agent: agent.schema(),
    client_tools: list(dtoRef(ClientToolSpecDto)),
    tool_module_qualnames: recordOf(text),
    runtime_info: orNull(ref('ConversationRuntimeInfo')),
  };
  const budget = { type: 'number', description: 'US dollars; absent without a budget.' };
  return {
    title: 'ConversationInfo',
    ...object(properties),
    properties: { ...properties, max_budget_per_run: budget },
  };
}
