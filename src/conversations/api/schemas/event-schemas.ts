import { EXECUTION_STATUSES, HOOK_EVENT_TYPES } from '../../../events/index.js';
import { type DescribedField, type JsonSchema, objectSchema } from '../../../http/index.js';
import { list, NEXT_PAGE, orNull, ref, union, words } from './schema-parts.js';

type Fields = Readonly<Record<string, DescribedField>>;

const text: JsonSchema = { type: 'string' };
const flag: JsonSchema = { type: 'boolean' };
const anyObject: JsonSchema = { type: 'object', additionalProperties: true };
const texts = list(text);

const SOURCES = words('agent', 'user', 'environment', 'hook');
const RISK = words('UNKNOWN', 'LOW', 'MEDIUM', 'HIGH');
const content = list({ anyOf: [ref('TextContent'), ref('ImageContent')] });
const textBefore: DescribedField = [
  { type: 'integer' },
  'Length of the text before this block (UTF-16 units), if the block did not come first.',
];
const thinking: DescribedField = [
  list({ anyOf: [ref('ThinkingBlock'), ref('RedactedThinkingBlock')] }),
  'Reasoning of the model in signed blocks, which the provider gets back unchanged; empty if there is none.',
];
const reasoning: DescribedField = [orNull(text), 'Reasoning of the model as text; null if there is none.'];
const reasoningItem: DescribedField = [
  orNull(ref('ReasoningItem')),
  'Reasoning item of the responses protocol, which OpenAI gets back unchanged; null if there is none.',
];
const classification: DescribedField = [
  ref('ErrorClassification'),
  'What the error means, and what a user can do about it.',
];
const extendedContent: DescribedField = [
  list(ref('TextContent')),
  'Text that the server adds for the model, such as the content of activated skills; empty if there is none.',
];
const responseId = 'Id of the answer of the model.';
const call: Fields = {
  tool_name: [text, 'Name of the tool, as the model called it.'],
  tool_call_id: [text, 'Id of the tool call; action and result have the same.'],
};
const ACTION_ID = 'Id of the `ActionEvent` that this belongs to.';

/** What each kind of event reports, and its fields in addition to those of all events. */
const EVENTS: Readonly<Record<string, readonly [about: string, fields: Fields]>> = {
  SystemPromptEvent: [
    'The system prompt and the tools of the agent. First event of a conversation with the built-in agent.',
    {
      system_prompt: [
        ref('TextContent'),
        'The part of the prompt that is the same for all conversations of the agent.',
      ],
      tools: [list(ref('ToolDescription')), 'The tools that the model can call.'],
      'dynamic_context?': [
        orNull(ref('TextContent')),
        'The part of the prompt for this conversation: skills, memory, date and names of secrets. Null: none.',
      ],
    },
  ],
  MessageEvent: [
    'A message of the user, the agent or the server.',
    {
      llm_message: [ref('Message'), 'The message as it stands in the dialogue with the model.'],
      'llm_response_id?': [orNull(text), `${responseId} Null if no model wrote the message.`],
      activated_skills: [texts, 'Names of the skills that the message activated.'],
      extended_content: extendedContent,
      'sender?': [
        orNull(text),
        'Agent that sent the message to another one, in logs of the Python server; null otherwise.',
      ],
      'critic_result?': [orNull(ref('CriticResult')), 'Verdict of the critic; null without a critic.'],
    },
  ],
  ActionEvent: [
    'A tool call of the agent. Its result follows as an `ObservationEvent`, `AgentErrorEvent` or `UserRejectObservation`.',
    {
      thought: [list(ref('TextContent')), 'Text that the model wrote before the call.'],
      'reasoning_content?': reasoning,
      thinking_blocks: thinking,
      'responses_reasoning_item?': reasoningItem,
      'action?': [
        { anyOf: [ref('Action'), ref('OtherAction'), { type: 'null' }] },
        'The validated arguments by tool; null if the call is invalid and was not executed.',
      ],
      ...call,
      tool_call: [ref('MessageToolCall'), 'The call as the model wrote it.'],
      llm_response_id: [text, `${responseId} Calls with the same one belong to one answer.`],
      security_risk: [RISK, 'Risk that the model itself states; `UNKNOWN` if it does not.'],
      'critic_result?': [orNull(ref('CriticResult')), 'Verdict of the critic; null without a critic.'],
      'summary?': [
        orNull(text),
        'What the call is for, in a few words of the model, or the call itself; null if the call is invalid.',
      ],
    },
  ],
  ObservationEvent: [
    'The result of an executed action.',
    {
      ...call,
      observation: [{ anyOf: [ref('Observation'), ref('OtherObservation')] }, 'The result by tool.'],
      action_id: [text, ACTION_ID],
      extended_content: extendedContent,
    },
  ],
  AgentErrorEvent: [
    'A tool call that could not be validated or executed.',
    { ...call, error: [text, 'What went wrong; the model reads it.'], classification },
  ],
  UserRejectObservation: [
    'An action that a user or a hook rejected. It was not executed.',
    {
      ...call,
      rejection_reason: [text, 'Why it was rejected; the model reads it.'],
      rejection_source: [words('user', 'hook'), 'Who rejected it.'],
      action_id: [text, ACTION_ID],
    },
  ],
  ConversationStateUpdateEvent: [
    'A change of the state of the conversation, or a snapshot of it.',
    {
      key: [text, 'The field that changed; `full_state` for a snapshot (never stored).'],
      'value?': [{}, 'New value of the field; for `full_state` the whole state.'],
    },
  ],
  ConversationErrorEvent: [
    'The end of a run because of an error.',
    {
      code: [
        text,
        'Class of the error, for programs, such as `LLMAuthenticationError` or `MaxIterationsReached`.',
      ],
      detail: [text, 'What went wrong, for people.'],
      classification,
    },
  ],
  ServerErrorEvent: [
    'A frame of a socket client that could not be served. Sent to that client only, never stored.',
    {
      code: [text, 'Class of the error, for programs, such as `ValidationError`.'],
      detail: [text, 'What is wrong with the frame, for people.'],
    },
  ],
  StreamingDeltaEvent: [
    'A piece of an answer while the model writes it. Sent to sockets only, never stored.',
    {
      'content?': [orNull(text), 'Next piece of the text; null if the piece is reasoning.'],
      'reasoning_content?': [orNull(text), 'Next piece of the reasoning; null if the piece is text.'],
    },
  ],
  LLMCompletionLogEvent: [
    'A call of a model, logged because of `log_completions`.',
    {
      filename: [text, 'Name that the log of the call would have as a file.'],
      log_data: [text, 'The request and the response as JSON.'],
      model_name: [text, 'Model that was called, as `provider/model`.'],
      usage_id: [text, 'Entry of the statistics under which the call is counted.'],
    },
  ],
  SecurityAnalysisEvent: [
    'The risks that the security analyzer found in the actions of one answer.',
    {
      analyzer: [text, 'Class of the security analyzer.'],
      policy: [text, 'Class of the confirmation policy.'],
      risks: [{ type: 'object', additionalProperties: RISK }, 'Risks by action id.'],
      details: [
        { type: 'object', additionalProperties: anyObject },
        'Failures of the analyzer, by action id.',
      ],
    },
  ],
  HookExecutionEvent: [
    'A hook has run. Precedes the event that the hook was run for.',
    {
      hook_event_type: [words(...HOOK_EVENT_TYPES), 'Moment at which the hook runs.'],
      hook_command: [text, 'The command, `prompt-hook:<name>` or `agent-hook:<name>`.'],
      'tool_name?': [orNull(text), 'Tool whose call the hook is about; null for other moments.'],
      success: [flag, 'Whether the command ended with exit code 0, or the model answered.'],
      blocked: [flag, 'Whether the hook decided to block.'],
      exit_code: [
        { type: 'integer' },
        'Exit code of the command; -1 if it was not started or was terminated.',
      ],
      stdout: [text, 'Standard output of the command.'],
      stderr: [text, 'Standard error of the command.'],
      'reason?': [orNull(text), 'Why the hook decided so; null if it does not say.'],
      'additional_context?': [orNull(text), 'Text that the hook adds for the agent; null: none.'],
      'error?': [orNull(text), 'Why the hook could not run; null if it did.'],
      'action_id?': [orNull(text), `${ACTION_ID} Null for moments without an action.`],
      'message_id?': [
        orNull(text),
        'Id of the `MessageEvent` that this belongs to; null for moments without a message.',
      ],
      'hook_input?': [
        orNull(anyObject),
        'The facts that the hook was given; null if they were not recorded.',
      ],
    },
  ],
  ACPToolCallEvent: [
    'A tool call of an external agent, which runs its tools itself. Written when the call starts and when it ends.',
    {
      tool_call_id: [text, 'Id of the call; both events have the same.'],
      title: [text, 'What the call does, for people.'],
      'status?': [
        orNull(text),
        'State of the call: `pending`, `in_progress`, `completed` or `failed`. Null: not said.',
      ],
      'tool_kind?': [orNull(text), 'Kind of the tool, such as `read`, `edit` or `execute`; null: not said.'],
      'raw_input?': [{}, 'Arguments of the call, as the agent reports them. May be absent.'],
      'raw_output?': [{}, 'Result of the call, as the agent reports it. Absent before its end.'],
      'content?': [
        orNull(list({})),
        'Content of the call in the form of the Agent Client Protocol; null: none.',
      ],
      is_error: [flag, 'Whether the call failed.'],
    },
  ],
  // Only in logs that the original wrote.
  CondensationSummaryEvent: [
    'A summary of old events. Only in logs of the Python server.',
    { summary: [text, 'The text of the summary.'] },
  ],
  TokenEvent: [
    'The tokens of one call of a model. Only in logs of the Python server.',
    {
      prompt_token_ids: [list({ type: 'integer' }), 'Ids of the tokens that the model read.'],
      response_token_ids: [list({ type: 'integer' }), 'Ids of the tokens that the model wrote.'],
    },
  ],
  PauseEvent: ['The run was paused between two steps.', {}],
  InterruptEvent: ['The run was stopped in the middle of a step.', {}],
  CondensationRequest: ['A client asked for a condensation of the history.', {}],
  Condensation: [
    'Events that the model does not see any more, and the summary that it sees instead. The log keeps them.',
    {
      forgotten_event_ids: [texts, 'Ids of these events.'],
      'summary?': [orNull(text), 'The summary; null if the events have no replacement.'],
      'summary_offset?': [
        orNull({ type: 'integer', minimum: 0 }),
        'Place of the summary: the number of events that the model sees before it. Null without a summary.',
      ],
      llm_response_id: [text, `${responseId} The model is the one that wrote the summary.`],
    },
  ],
};

const eventSchema = (kind: string, about: string, fields: Fields): JsonSchema => ({
  ...objectSchema({
    id: [{ type: 'string', format: 'uuid' }, 'Id of the event, unique within the conversation.'],
    timestamp: [text, 'Local time of the server without a time zone, in microseconds.'],
    source: [SOURCES, 'Who caused the event: the agent, a user, the server (`environment`) or a hook.'],
    'parent_id?': [
      orNull(text),
      'Id of the event before it on its branch; `__root__` for the first one of a further branch. Null: none.',
    ],
    ...fields,
    kind: [{ type: 'string', const: kind }, `Marks an event of this kind: ${lowerCased(about)}`],
  }),
  description: about,
});

/** The text as a part of a sentence. */
function lowerCased(about: string): string {
  return about.charAt(0).toLowerCase() + about.slice(1);
}

/** Schemas of events and their parts. Optional fields are absent in lists and null in single reads. */
export const EVENT_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  Event: union(Object.keys(EVENTS)),
  ...Object.fromEntries(
    Object.entries(EVENTS).map(([kind, [about, fields]]) => [kind, eventSchema(kind, about, fields)]),
  ),
  EventPage: objectSchema({
    items: [list(ref('Event')), 'Events in the requested order, with null fields left out.'],
    next_page_id: NEXT_PAGE,
  }),
  Message: objectSchema({
    role: [
      words('user', 'system', 'assistant', 'tool'),
      'Who the message is from: `assistant` is the model.',
    ],
    content: [content, 'Blocks of text and images that make up the message.'],
    'tool_calls?': [orNull(list(ref('MessageToolCall'))), 'Tool calls of the model; null if there are none.'],
    'tool_call_id?': [orNull(text), 'Id of the call that a `tool` message answers; null for others.'],
    'name?': [orNull(text), 'Name of the tool that a `tool` message comes from; null for others.'],
    'reasoning_content?': reasoning,
    thinking_blocks: thinking,
    'responses_reasoning_item?': reasoningItem,
  }),
  MessageToolCall: objectSchema({
    id: [text, 'Id of the call that the provider gave it.'],
    'responses_item_id?': [
      orNull(text),
      'Id of the item in the responses protocol; null for calls of other protocols.',
    ],
    name: [text, 'Name of the tool, as the model wrote it.'],
    arguments: [text, 'JSON as the model wrote it.'],
    origin: [
      words('completion', 'responses'),
      'Protocol of the answer: chat completions or OpenAI responses.',
    ],
  }),
  ThinkingBlock: objectSchema({
    type: [{ type: 'string', const: 'thinking' }, 'Marks reasoning that can be read.'],
    thinking: [text, 'Text of the reasoning.'],
    'signature?': [
      orNull(text),
      'Signature of the provider, without which it does not accept the block; null: none.',
    ],
    'signed_by?': [words('gemini'), 'The provider that signed the block; Anthropic if absent.'],
    'text_before?': textBefore,
  }),
  RedactedThinkingBlock: objectSchema({
    type: [
      { type: 'string', const: 'redacted_thinking' },
      'Marks reasoning that the provider has encrypted.',
    ],
    data: [text, 'The encrypted reasoning.'],
    'text_before?': textBefore,
  }),
  ReasoningItem: objectSchema({
    'id?': [orNull(text), 'Id of the item at OpenAI; null if it has none.'],
    'summary?': [texts, 'Parts of the summary of the reasoning; empty without one.'],
    'content?': [orNull(texts), 'Parts of the reasoning itself; null if it is not shown.'],
    'encrypted_content?': [orNull(text), 'The encrypted reasoning; null if it was not requested.'],
    'status?': [orNull(text), 'State of the item, such as `completed`; null: not said.'],
  }),
  ToolDescription: objectSchema({
    description: [text, 'Tells the model what the tool does and when to use it.'],
    action_type: [text, 'Class of its actions.'],
    'observation_type?': [orNull(text), 'Class of its observations; null if there is none.'],
    'annotations?': [orNull(ref('ToolAnnotations')), 'Hints about its effects; null: none.'],
    'meta?': [orNull(anyObject), 'Metadata that an MCP server attaches to its tool; null: none.'],
    'mcp_tool?': [orNull(anyObject), 'The tool as its MCP server describes it; null for other tools.'],
    'client_tool_name?': [text, 'Name of a client tool. Client tools only.'],
    'input_schema?': [
      anyObject,
      'The JSON schema of the arguments as the client sent it; client tools only.',
    ],
    kind: [text, 'Class of the tool.'],
    title: [text, 'Name of the tool for people.'],
  }),
  CriticResult: objectSchema({
    score: [
      { type: 'number', minimum: 0, maximum: 1 },
      'How likely it is that the work is done, from 0 to 1.',
    ],
    message: [orNull(text), 'The verdict for people; null: none.'],
    'metadata?': [orNull(anyObject), 'Further results, depending on the critic; null: none.'],
  }),
  ErrorClassification: objectSchema({
    kind: [
      words('auth', 'quota', 'rate_limit', 'config', 'transient', 'agent_action', 'internal', 'unknown'),
      'Cause of the error: credentials, quota, rate limit, configuration, a passing failure, a mistake of the agent, or a ' +
        'fault of the server.',
    ],
    retryable: [flag, 'Whether the same attempt may succeed later.'],
    user_action: [
      words('none', 'retry', 'settings'),
      'What the user can do: nothing, try again, or change the settings.',
    ],
    'error_id?': [orNull(text), 'Identifies the error in the log of the server; null if it was not logged.'],
  }),
  ConversationExecutionStatus: words(...EXECUTION_STATUSES),
};
