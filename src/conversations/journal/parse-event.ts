import type { DurableEvent } from '../../events/index.js';
import { turnForLine } from '../../flow/index.js';
import { isJsonObject } from '../../json/index.js';

type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === 'string';
const texts: Check = (value) => Array.isArray(value) && value.every(text);
const objects: Check = (value) => Array.isArray(value) && value.every(isJsonObject);

/** Fields that views and the state rely on, by the kind of the event. */
const REQUIRED: Record<string, Record<string, Check>> = {
  SystemPromptEvent: { 'system_prompt.text': text, tools: objects },
  MessageEvent: {
    'llm_message.role': text,
    'llm_message.content': objects,
    'llm_message.thinking_blocks': objects,
    activated_skills: texts,
    extended_content: objects,
  },
  ActionEvent: {
    thought: objects,
    thinking_blocks: objects,
    tool_name: text,
    tool_call_id: text,
    'tool_call.id': text,
    'tool_call.name': text,
    'tool_call.arguments': text,
    llm_response_id: text,
  },
  ObservationEvent: {
    tool_name: text,
    tool_call_id: text,
    action_id: text,
    'observation.content': objects,
    extended_content: objects,
  },
  AgentErrorEvent: { tool_name: text, tool_call_id: text, error: text },
  UserRejectObservation: { tool_call_id: text, action_id: text, rejection_reason: text },
  Condensation: { forgotten_event_ids: texts },
  ConversationStateUpdateEvent: { key: text },
  ConversationErrorEvent: { code: text, detail: text },
  HookExecutionEvent: { hook_event_type: text },
  ACPToolCallEvent: { tool_call_id: text, title: text },
};

/** The same with split paths, because whole logs pass through it. */
const CHECKS = new Map(
  Object.entries(REQUIRED).map(([kind, fields]) => [
    kind,
    Object.entries(fields).map(([path, isValid]) => ({ path: path.split('.'), isValid })),
  ]),
);

/**
 * The event of a line of the log. Undefined for invalid JSON, which the log has reported already, and for an
 * event without the required fields: the conversation continues without it.
 */
export function parseEvent(line: string): DurableEvent | undefined {
  try {
    return validated(JSON.parse(line) as DurableEvent);
  } catch {
    return undefined;
  }
}

/** As `parseEvent`, when the share of log reading in this turn of the event loop allows it. */
export async function parseWithYield(line: string): Promise<DurableEvent | undefined> {
  const turn = turnForLine();
  if (turn) await turn;
  return parseEvent(line);
}

/** The event, if it has the fields that views and the state rely on. */
export function validated(event: DurableEvent): DurableEvent | undefined {
  const { kind, parent_id: parent }: { kind: unknown; parent_id?: unknown } = event;
  if (!text(kind) || (parent !== undefined && parent !== null && !text(parent))) return undefined;
  const checks = CHECKS.get(event.kind) ?? [];
  return checks.every(({ path, isValid }) => isValid(valueAt(event, path))) ? event : undefined;
}

function valueAt(event: object, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, field) => (isJsonObject(value) ? value[field] : undefined), event);
}
