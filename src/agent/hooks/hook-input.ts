import { type HookEventType, withNulls } from '../../events/index.js';
import { truncateMiddle } from '../../tools/index.js';
import type { JsonObject } from '../../json/index.js';

/** Longest text in a hook event (characters). */
const MAX_EVENT_TEXT = 50_000;

/** What hooks are run for: the data that they receive, and the ids of the events that it is about. */
export interface HookCall {
  type: HookEventType;
  toolName?: string;
  /** The arguments of the call as in the log. */
  toolInput?: JsonObject;
  /** The tool's observation, with secrets masked. */
  toolResponse?: JsonObject;
  /** The user's message. */
  message?: string;
  /** Why the run stops. */
  reason?: string;
  /** The event of the tool call. */
  actionId?: string;
  /** The event of the user's message. */
  messageId?: string;
}

/** The JSON input of a hook, keys in the API's order. */
export function hookInput(call: HookCall, conversationId: string, workingDir: string): JsonObject {
  const { type, toolName, toolInput, toolResponse, message, reason } = call;
  return {
    event_type: type,
    tool_name: toolName ?? null,
    tool_input: toolInput ? withUnsetFields('ActionEvent', 'action', toolInput) : null,
    tool_response: toolResponse ? withUnsetFields('ObservationEvent', 'observation', toolResponse) : null,
    message: message ?? null,
    session_id: conversationId,
    working_dir: workingDir,
    metadata: reason === undefined ? {} : { reason },
  };
}

/** The part of the input that the event about the hook contains; undefined for none. */
export function inputForEvent(call: HookCall, input: JsonObject): JsonObject | undefined {
  const { tool_name, tool_input, tool_response, message } = input;
  if (call.toolName !== undefined) {
    return truncateTexts({ tool_name, tool_input, ...(call.toolResponse ? { tool_response } : {}) });
  }
  if (call.message !== undefined) return truncateTexts({ message });
  return call.reason === undefined ? undefined : { reason: call.reason };
}

/** Adds unset fields as null, as the original does. */
function withUnsetFields(kind: string, field: string, value: JsonObject): unknown {
  return withNulls({ kind, [field]: value })[field];
}

function truncateTexts(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, truncateValue(item)]));
}

function truncateValue(value: unknown): unknown {
  if (typeof value === 'string') return truncateMiddle(value, MAX_EVENT_TEXT);
  if (Array.isArray(value)) return value.map(truncateValue);
  return typeof value === 'object' && value !== null ? truncateTexts({ ...value }) : value;
}
