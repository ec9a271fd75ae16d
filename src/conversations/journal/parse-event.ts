import type { DurableEvent } from '../../events/index.js';
import { turnForLine } from '../../flow/index.js';
import { isJsonObject } from '../../json/index.js';

type Need = (value: unknown) => boolean;

const text: Need = (value) => typeof value === 'string';
const texts: Need = (value) => Array.isArray(value) && value.every(text);
const objects: Need = (value) => Array.isArray(value) && value.every(isJsonObject);

/** Fields without which an event cannot be put before a model or folded into the state, by its kind. */
const NEEDED: Record<string, Record<string, Need>> = {
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
};

/** The same with paths taken apart: whole logs are read through it. */
const CHECKS = new Map(
  Object.entries(NEEDED).map(([kind, fields]) => [
    kind,
    Object.entries(fields).map(([path, isMet]) => ({ path: path.split('.'), isMet })),
  ]),
);

/**
 * The event of a line; undefined for a line that is not JSON, which the log has reported already, and for one
 * that lacks what its kind cannot do without: the conversation goes on without it.
 */
export function parseEvent(line: string): DurableEvent | undefined {
  try {
    return complete(JSON.parse(line) as DurableEvent);
  } catch {
    return undefined;
  }
}

/** The same, when the share that reading logs has of this turn of the event loop allows it. */
export async function parseWithYield(line: string): Promise<DurableEvent | undefined> {
  const turn = turnForLine();
  if (turn) await turn;
  return parseEvent(line);
}

function complete(event: DurableEvent): DurableEvent | undefined {
  const checks = CHECKS.get(event.kind) ?? [];
  return checks.every(({ path, isMet }) => isMet(valueAt(event, path))) ? event : undefined;
}

function valueAt(event: object, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, field) => (isJsonObject(value) ? value[field] : undefined), event);
}
