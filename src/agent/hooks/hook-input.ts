import type { HookEventType } from '../../events/index.js';
import { withNulls } from '../../events/with-nulls.js';
import { truncateMiddle } from '../../tools/truncate.js';
import type { JsonObject } from '../../json/index.js';

/** Texts in events of hooks are cut to this (characters). */
const MAX_EVENT_TEXT = 50_000;

/** What a hook is told, and which events it is about. */
export interface HookCall {
  type: HookEventType;
  toolName?: string;
  /** The arguments of the call, as the log has them. */
  toolInput?: JsonObject;
  /** What the tool answered, without secrets. */
  toolResponse?: JsonObject;
  /** What the user said. */
  message?: string;
  /** Why the agent stops. */
  reason?: string;
  actionId?: string;
  messageId?: string;
}

/** The object that a hook reads, keys in the wire's order. */
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

/** What the event of a hook shows of that; undefined: nothing. */
export function inputForEvent(call: HookCall, input: JsonObject): JsonObject | undefined {
  const { tool_name, tool_input, tool_response, message } = input;
  if (call.toolName !== undefined) {
    return truncateTexts({ tool_name, tool_input, ...(call.toolResponse ? { tool_response } : {}) });
  }
  if (call.message !== undefined) return truncateTexts({ message });
  return call.reason === undefined ? undefined : { reason: call.reason };
}

/** Hooks of the original see the fields that are not set, too. */
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
