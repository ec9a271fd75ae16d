import { isJsonObject } from '../json/index.js';

/** The keys of a model in the wire's order, and the shapes of nested models. */
interface Shape {
  keys: readonly string[];
  inside?: Readonly<Record<string, () => Shape | Readonly<Record<string, Shape>>>>;
}

const shape = (keys: string, inside?: Shape['inside']): Shape => ({ keys: keys.split(' '), inside });

const REASONING_ITEM = shape('id summary content encrypted_content status');
const TOOL_CALL = shape('id responses_item_id name arguments origin');
const THINKING = shape('type thinking signature');
const THINKING_BLOCKS = { thinking: THINKING };
const CLASSIFICATION = shape('kind retryable user_action error_id');
const MESSAGE = shape(
  'role content tool_calls tool_call_id name reasoning_content thinking_blocks responses_reasoning_item',
  {
    tool_calls: () => TOOL_CALL,
    thinking_blocks: () => THINKING_BLOCKS,
    responses_reasoning_item: () => REASONING_ITEM,
  },
);
const ANNOTATIONS = shape('title readOnlyHint destructiveHint idempotentHint openWorldHint');
const TOOL = shape('description action_type observation_type annotations meta kind title', {
  annotations: () => ANNOTATIONS,
});
const COMMAND_METADATA = shape(
  'exit_code pid username hostname working_dir py_interpreter_path prefix suffix',
);

const ACTIONS: Readonly<Record<string, Shape>> = {
  TerminalAction: shape('command is_input timeout reset kind'),
  FileEditorAction: shape('command path file_text old_str new_str insert_line view_range kind'),
  PlanningFileEditorAction: shape('command path file_text old_str new_str insert_line view_range kind'),
  GlobAction: shape('pattern path kind'),
  GrepAction: shape('pattern path include kind'),
};

const OBSERVATIONS: Readonly<Record<string, Shape>> = {
  TerminalObservation: shape(
    'content is_error command exit_code timeout metadata full_output_save_dir kind',
    {
      metadata: () => COMMAND_METADATA,
    },
  ),
  FileEditorObservation: shape('content is_error command path prev_exist old_content new_content kind'),
  PlanningFileEditorObservation: shape(
    'content is_error command path prev_exist old_content new_content kind',
  ),
};

const BASE = 'id timestamp source parent_id';
const EVENTS: Readonly<Record<string, Shape>> = {
  SystemPromptEvent: shape(`${BASE} system_prompt tools dynamic_context kind`, { tools: () => TOOL }),
  MessageEvent: shape(
    `${BASE} llm_message llm_response_id activated_skills extended_content sender critic_result kind`,
    { llm_message: () => MESSAGE },
  ),
  ActionEvent: shape(
    `${BASE} thought reasoning_content thinking_blocks responses_reasoning_item action tool_name tool_call_id tool_call ` +
      'llm_response_id security_risk critic_result summary kind',
    {
      thinking_blocks: () => THINKING_BLOCKS,
      responses_reasoning_item: () => REASONING_ITEM,
      action: () => ACTIONS,
      tool_call: () => TOOL_CALL,
    },
  ),
  ObservationEvent: shape(`${BASE} tool_name tool_call_id observation action_id extended_content kind`, {
    observation: () => OBSERVATIONS,
  }),
  AgentErrorEvent: shape(`${BASE} tool_name tool_call_id error classification kind`, {
    classification: () => CLASSIFICATION,
  }),
  UserRejectObservation: shape(
    `${BASE} tool_name tool_call_id rejection_reason rejection_source action_id kind`,
  ),
  ACPToolCallEvent: shape(
    `${BASE} tool_call_id title status tool_kind raw_input raw_output content is_error kind`,
  ),
  ConversationStateUpdateEvent: shape(`${BASE} key value kind`),
  ConversationErrorEvent: shape(`${BASE} code detail classification kind`, {
    classification: () => CLASSIFICATION,
  }),
  ServerErrorEvent: shape(`${BASE} code detail kind`),
  StreamingDeltaEvent: shape(`${BASE} content reasoning_content kind`),
  SecurityAnalysisEvent: shape(`${BASE} analyzer policy risks details kind`),
  PauseEvent: shape(`${BASE} kind`),
  InterruptEvent: shape(`${BASE} kind`),
  LLMCompletionLogEvent: shape(`${BASE} filename log_data model_name usage_id kind`),
  CondensationRequest: shape(`${BASE} kind`),
  Condensation: shape(`${BASE} forgotten_event_ids summary summary_offset llm_response_id kind`),
  HookExecutionEvent: shape(
    `${BASE} hook_event_type hook_command tool_name success blocked exit_code stdout stderr reason ` +
      'additional_context error action_id message_id hook_input kind',
  ),
};

/**
 * The form of an event in single reads and webhooks: the null fields that the line omits are restored in the
 * wire's order. Free-form values and unknown fields are not changed.
 */
export function withNulls(event: Record<string, unknown>): Record<string, unknown> {
  const known = EVENTS[String(event['kind'])];
  return known ? restoreFields(event, known) : event;
}

function restoreFields(model: Record<string, unknown>, { keys, inside }: Shape): Record<string, unknown> {
  const entries = keys.map((key): [string, unknown] => {
    const value = model[key] ?? null;
    const within = inside?.[key]?.();
    return [key, within ? restoreValue(value, within) : value];
  });
  const unknown = Object.entries(model).filter(([key]) => !keys.includes(key));
  // Unknown fields go before `kind`, as on the wire.
  const kind = keys.indexOf('kind');
  const end = kind === -1 ? entries.length : kind;
  return Object.fromEntries([...entries.slice(0, end), ...unknown, ...entries.slice(end)]);
}

function restoreValue(value: unknown, within: Shape | Readonly<Record<string, Shape>>): unknown {
  if (Array.isArray(value)) return value.map((item) => restoreValue(item, within));
  if (!isJsonObject(value)) return value;
  const found = isShape(within) ? within : within[String(value['kind'] ?? value['type'])];
  return found ? restoreFields(value, found) : value;
}

function isShape(within: Shape | Readonly<Record<string, Shape>>): within is Shape {
  return Array.isArray(within.keys);
}
