import { EXECUTION_STATUSES, HOOK_EVENT_TYPES } from '../../../events/index.js';
import type { JsonSchema } from '../../../http/index.js';
import { list, object, orNull, ref, union, words } from './schema-parts.js';

const text: JsonSchema = { type: 'string' };
const flag: JsonSchema = { type: 'boolean' };
const anyObject: JsonSchema = { type: 'object', additionalProperties: true };

const SOURCES = words('agent', 'user', 'environment', 'hook');
const content = list({ anyOf: [ref('TextContent'), ref('ImageContent')] });
const textBefore = {
  type: 'integer',
  description: 'Length of the text before this block (UTF-16 units), if the block did not come first.',
};
const thinking = list({ anyOf: [ref('ThinkingBlock'), ref('RedactedThinkingBlock')] });
const classification = ref('ErrorClassification');
const call = { tool_name: text, tool_call_id: text };

/** Fields by kind, in addition to the fields of all events. */
const EVENT_FIELDS: Readonly<Record<string, Record<string, JsonSchema>>> = {
  SystemPromptEvent: {
    system_prompt: ref('TextContent'),
    tools: list(ref('ToolDescription')),
    'dynamic_context?': orNull(ref('TextContent')),
  },
  MessageEvent: {
    llm_message: ref('Message'),
    'llm_response_id?': orNull(text),
    activated_skills: list(text),
    extended_content: list(ref('TextContent')),
    'sender?': orNull(text),
    'critic_result?': orNull(ref('CriticResult')),
  },
  ActionEvent: {
    thought: list(ref('TextContent')),
    'reasoning_content?': orNull(text),
    thinking_blocks: thinking,
    'responses_reasoning_item?': orNull(ref('ReasoningItem')),
    'action?': { anyOf: [ref('Action'), ref('OtherAction'), { type: 'null' }] },
    ...call,
    tool_call: ref('MessageToolCall'),
    llm_response_id: text,
    security_risk: words('UNKNOWN', 'LOW', 'MEDIUM', 'HIGH'),
    'critic_result?': orNull(ref('CriticResult')),
    'summary?': orNull(text),
  },
  ObservationEvent: {
    ...call,
    observation: { anyOf: [ref('Observation'), ref('OtherObservation')] },
    action_id: text,
    extended_content: list(ref('TextContent')),
  },
  AgentErrorEvent: { ...call, error: text, classification },
  UserRejectObservation: {
    ...call,
    rejection_reason: text,
    rejection_source: words('user', 'hook'),
    action_id: text,
  },
  ConversationStateUpdateEvent: {
    key: {
      type: 'string',
      description: 'The field that changed; `full_state` for a snapshot (never stored).',
    },
    'value?': {},
  },
  ConversationErrorEvent: { code: text, detail: text, classification },
  ServerErrorEvent: { code: text, detail: text },
  StreamingDeltaEvent: { 'content?': orNull(text), 'reasoning_content?': orNull(text) },
  LLMCompletionLogEvent: {
    filename: text,
    log_data: { type: 'string', description: 'The request and the response as JSON.' },
    model_name: text,
    usage_id: text,
  },
  SecurityAnalysisEvent: {
    analyzer: text,
    policy: text,
    risks: {
      type: 'object',
      additionalProperties: words('UNKNOWN', 'LOW', 'MEDIUM', 'HIGH'),
      description: 'Risks by action id.',
    },
    details: {
      type: 'object',
      additionalProperties: anyObject,
      description: 'Failures of the analyzer, by action id.',
    },
  },
  HookExecutionEvent: {
    hook_event_type: words(...HOOK_EVENT_TYPES),
    hook_command: {
      type: 'string',
      description: 'The command, `prompt-hook:<name>` or `agent-hook:<name>`.',
    },
    'tool_name?': orNull(text),
    success: flag,
    blocked: flag,
    exit_code: { type: 'integer' },
    stdout: text,
    stderr: text,
    'reason?': orNull(text),
    'additional_context?': orNull(text),
    'error?': orNull(text),
    'action_id?': orNull(text),
    'message_id?': orNull(text),
    'hook_input?': orNull(anyObject),
  },
  ACPToolCallEvent: {
    tool_call_id: text,
    title: text,
    'status?': orNull(text),
    'tool_kind?': orNull(text),
    'raw_input?': {},
    'raw_output?': {},
    'content?': orNull(list({})),
    is_error: flag,
  },
  // Only in logs that the original wrote.
  CondensationSummaryEvent: { summary: text },
  TokenEvent: { prompt_token_ids: list({ type: 'integer' }), response_token_ids: list({ type: 'integer' }) },
  PauseEvent: {},
  InterruptEvent: {},
  CondensationRequest: {},
  Condensation: {
    forgotten_event_ids: list(text),
    'summary?': orNull(text),
    'summary_offset?': orNull({ type: 'integer', minimum: 0 }),
    llm_response_id: text,
  },
};

const eventSchema = (kind: string, fields: Record<string, JsonSchema>): JsonSchema =>
  object({
    id: { type: 'string', format: 'uuid' },
    timestamp: {
      type: 'string',
      description: 'Local time of the server without a time zone, in microseconds.',
    },
    source: SOURCES,
    'parent_id?': orNull(text),
    ...fields,
    kind: { type: 'string', const: kind },
  });

/** Schemas of events and their parts. Optional fields are absent in lists and null in single reads. */
export const EVENT_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  Event: union(Object.keys(EVENT_FIELDS)),
  ...Object.fromEntries(
    Object.entries(EVENT_FIELDS).map(([kind, fields]) => [kind, eventSchema(kind, fields)]),
  ),
  EventPage: object({ items: list(ref('Event')), next_page_id: orNull(text) }),
  Message: object({
    role: words('user', 'system', 'assistant', 'tool'),
    content,
    'tool_calls?': orNull(list(ref('MessageToolCall'))),
    'tool_call_id?': orNull(text),
    'name?': orNull(text),
    'reasoning_content?': orNull(text),
    thinking_blocks: thinking,
    'responses_reasoning_item?': orNull(ref('ReasoningItem')),
  }),
  MessageToolCall: object({
    id: text,
    'responses_item_id?': orNull(text),
    name: text,
    arguments: { type: 'string', description: 'JSON as the model wrote it.' },
    origin: words('completion', 'responses'),
  }),
  ThinkingBlock: object({
    type: { type: 'string', const: 'thinking' },
    thinking: text,
    'signature?': orNull(text),
    'signed_by?': {
      ...words('gemini'),
      description: 'The provider that signed the block; Anthropic if absent.',
    },
    'text_before?': textBefore,
  }),
  RedactedThinkingBlock: object({
    type: { type: 'string', const: 'redacted_thinking' },
    data: text,
    'text_before?': textBefore,
  }),
  ReasoningItem: object({
    'id?': orNull(text),
    'summary?': list(text),
    'content?': orNull(list(text)),
    'encrypted_content?': orNull(text),
    'status?': orNull(text),
  }),
  ToolDescription: object({
    description: text,
    action_type: text,
    'observation_type?': orNull(text),
    'annotations?': orNull(ref('ToolAnnotations')),
    'meta?': orNull(anyObject),
    'mcp_tool?': orNull(anyObject),
    'client_tool_name?': { type: 'string', description: 'Client tools only.' },
    'input_schema?': {
      ...anyObject,
      description: 'The JSON schema of the arguments as the client sent it; client tools only.',
    },
    kind: text,
    title: text,
  }),
  CriticResult: object({
    score: { type: 'number', minimum: 0, maximum: 1 },
    message: orNull(text),
    'metadata?': orNull(anyObject),
  }),
  ErrorClassification: object({
    kind: words('auth', 'quota', 'rate_limit', 'config', 'transient', 'agent_action', 'internal', 'unknown'),
    retryable: flag,
    user_action: words('none', 'retry', 'settings'),
    'error_id?': orNull(text),
  }),
  ConversationExecutionStatus: words(...EXECUTION_STATUSES),
};
