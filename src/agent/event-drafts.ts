import {
  textContent,
  type ACPToolCallEvent,
  type ActionEvent,
  type ErrorClassification,
  type EventDraft,
} from '../events/index.js';
import { firstCharacters } from '../text/index.js';
import { classifyError } from './error-classification.js';

/** An error in place of a call's result, for the model to read. */
export function toolErrorDraft(
  action: Pick<ActionEvent, 'tool_name' | 'tool_call_id'>,
  error: string,
  classification: ErrorClassification,
): EventDraft {
  return {
    source: 'agent',
    tool_name: action.tool_name,
    tool_call_id: action.tool_call_id,
    error,
    classification,
    kind: 'AgentErrorEvent',
  };
}

/** The rejection of an action by a person or a hook. */
export function rejectionDraft(
  action: ActionEvent,
  reason: string,
  source: 'user' | 'hook' = 'user',
): EventDraft {
  return {
    source: 'environment',
    tool_name: action.tool_name,
    tool_call_id: action.tool_call_id,
    rejection_reason: reason,
    rejection_source: source,
    action_id: action.id,
    kind: 'UserRejectObservation',
  };
}

/** The error of a failed run, for people. */
export function runErrorDraft(code: string, detail: string): EventDraft {
  return {
    source: 'environment',
    code,
    detail,
    classification: classifyError(code, detail),
    kind: 'ConversationErrorEvent',
  };
}

/** Longest reason in a log line (characters). */
const MAX_LOGGED_REASON = 500;

/** The reason of an error event as one log line. Secrets in the event must be masked already. */
export function errorReason({ code, detail }: { code: string; detail: string }): string {
  return `${code}: ${firstCharacters(detail, MAX_LOGGED_REASON).replace(/\s+/g, ' ')}`;
}

/** A message from the server, on the user's side of the dialogue. */
export function environmentMessage(text: string): MessageDraft {
  return messageDraft('environment', text);
}

/** A message of the user. */
export function userMessage(text: string): MessageDraft {
  return messageDraft('user', text);
}

type MessageDraft = Extract<EventDraft, { kind: 'MessageEvent' }>;

function messageDraft(source: 'user' | 'environment', text: string): MessageDraft {
  return {
    source,
    llm_message: { role: 'user', content: [textContent(text)], thinking_blocks: [] },
    activated_skills: [],
    extended_content: [],
    kind: 'MessageEvent',
  };
}

/** Marks interrupted tool calls of an ACP agent as failed. */
export function failedAcpCallDrafts(calls: readonly ACPToolCallEvent[]): EventDraft[] {
  return calls.map(({ tool_call_id, title, tool_kind, raw_input }) => ({
    source: 'agent',
    tool_call_id,
    title,
    status: 'failed',
    tool_kind,
    raw_input,
    is_error: true,
    kind: 'ACPToolCallEvent',
  }));
}
