import type { EventDraft, TextContent } from '../../events/index.js';

const IMAGE = /^data:image\/[\w.+-]+;base64,/;

/** State fields with output of hooks or skills from files. */
const MASKED_STATE_KEYS: ReadonlySet<string> = new Set(['blocked_actions', 'blocked_messages', 'agent']);

type Mask = (text: string) => string;

/**
 * Masks secret values in an event: in observations, errors, texts of the agent, and in what comes from files
 * of the workspace and from hooks. Not changed are arguments of tool calls, which are executed, messages of
 * the user, and signed reasoning blocks, which the provider must get back unchanged.
 */
export function maskDraft(draft: EventDraft, mask: Mask): EventDraft {
  switch (draft.kind) {
    case 'ObservationEvent': {
      const { kind, ...fields } = draft.observation;
      return {
        ...draft,
        observation: { ...masked(fields, mask), kind },
        extended_content: masked(draft.extended_content, mask),
      };
    }
    case 'SystemPromptEvent': {
      const { system_prompt, dynamic_context } = draft;
      const context = dynamic_context && { dynamic_context: maskedText(dynamic_context, mask) };
      return { ...draft, system_prompt: maskedText(system_prompt, mask), ...context };
    }
    case 'MessageEvent': {
      if (draft.source === 'user')
        return { ...draft, extended_content: masked(draft.extended_content, mask) };
      const { llm_message: message } = draft;
      const content = message.content.map((block) =>
        block.type === 'text' ? { ...block, text: mask(block.text) } : block,
      );
      const reasoning = message.reasoning_content !== undefined && {
        reasoning_content: mask(message.reasoning_content),
      };
      return { ...draft, llm_message: { ...message, content, ...reasoning } };
    }
    case 'ActionEvent': {
      const reasoning = draft.reasoning_content !== undefined && {
        reasoning_content: mask(draft.reasoning_content),
      };
      return { ...draft, thought: draft.thought.map((block) => maskedText(block, mask)), ...reasoning };
    }
    case 'ACPToolCallEvent': {
      const { title, raw_input, raw_output, content } = draft;
      return { ...draft, ...masked({ title, raw_input, raw_output, content }, mask) };
    }
    case 'Condensation':
      return draft.summary === undefined ? draft : { ...draft, summary: mask(draft.summary) };
    case 'HookExecutionEvent': {
      const { kind, hook_event_type, source, id, ...texts } = draft;
      return { id, source, hook_event_type, ...masked(texts, mask), kind };
    }
    case 'UserRejectObservation':
      return { ...draft, rejection_reason: mask(draft.rejection_reason) };
    case 'ConversationStateUpdateEvent':
      return MASKED_STATE_KEYS.has(draft.key) ? { ...draft, value: masked(draft.value, mask) } : draft;
    case 'AgentErrorEvent':
      return { ...draft, error: mask(draft.error) };
    case 'ConversationErrorEvent':
      return { ...draft, detail: mask(draft.detail) };
    default:
      return draft;
  }
}

function maskedText(block: TextContent, mask: Mask): TextContent {
  return { ...block, text: mask(block.text) };
}

/** Masks texts at any depth. Images are not searched. */
function masked<T>(value: T, mask: Mask): T;
function masked(value: unknown, mask: Mask): unknown {
  if (typeof value === 'string') return IMAGE.test(value) ? value : mask(value);
  if (Array.isArray(value)) return value.map((item: unknown) => masked(item, mask));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, masked(item, mask)]));
}
