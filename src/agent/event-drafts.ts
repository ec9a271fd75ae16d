import {
  textContent,
  type ACPToolCallEvent,
  type ActionEvent,
  type ErrorClassification,
  type EventDraft,
} from '../events/index.js';
import { firstCharacters } from '../text/index.js';
import { classifyError } from './error-classification.js';

/** A call that got no result but an error, for the model to read. */
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

/** An action that a person or a hook did not want. */
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

/** Why a run failed, for people. */
export function runErrorDraft(code: string, detail: string): EventDraft {
  return {
    source: 'environment',
    code,
    detail,
    classification: classifyError(code, detail),
    kind: 'ConversationErrorEvent',
  };
}

/** Characters of a reason in a line of the log. */
const MAX_LOGGED_REASON = 500;

/** The reason that an error event gives, as one line for the log. The event has to be masked already. */
export function errorReason({ code, detail }: { code: string; detail: string }): string {
  return `${code}: ${firstCharacters(detail, MAX_LOGGED_REASON).replace(/\s+/g, ' ')}`;
}

/** A message of the server to the agent: the user's side of the dialogue, but nobody typed it. */
export function environmentMessage(text: string): MessageDraft {
  return messageDraft('environment', text);
}

/** What stands in the dialogue as a message of the user. */
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

/** Calls of an agent from elsewhere that were cut off. */
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
