import type { BranchEvent } from '../../src/agent/agent-view.js';
import {
  createEvent,
  textContent,
  type ActionEvent,
  type AgentErrorEvent,
  type MessageEvent,
  type ObservationEvent,
} from '../../src/events/index.js';

/** A message event as conversations append them. */
export function message(source: 'user' | 'agent' | 'environment', text: string): MessageEvent {
  return createEvent({
    source,
    llm_message: {
      role: source === 'agent' ? 'assistant' : 'user',
      content: [textContent(text)],
      thinking_blocks: [],
    },
    activated_skills: [],
    extended_content: [],
    kind: 'MessageEvent',
  });
}

/** A terminal call of the answer `responseId`. */
export function action(callId: string, command: string, responseId = `response-${callId}`): ActionEvent {
  const args = JSON.stringify({ command });
  return createEvent({
    source: 'agent',
    thought: [],
    thinking_blocks: [],
    action: { command, kind: 'TerminalAction' },
    tool_name: 'terminal',
    tool_call_id: callId,
    tool_call: { id: callId, name: 'terminal', arguments: args, origin: 'completion' },
    llm_response_id: responseId,
    security_risk: 'UNKNOWN',
    summary: `terminal: ${args}`,
    kind: 'ActionEvent',
  });
}

/** The observation of a terminal call. */
export function observation(of: ActionEvent, text: string, isError = false): ObservationEvent {
  return createEvent({
    source: 'environment',
    tool_name: of.tool_name,
    tool_call_id: of.tool_call_id,
    observation: { content: [textContent(text)], is_error: isError, kind: 'TerminalObservation' },
    action_id: of.id,
    extended_content: [],
    kind: 'ObservationEvent',
  });
}

/** A call that failed before or while it was executed. */
export function failure(of: ActionEvent, error: string): AgentErrorEvent {
  return createEvent({
    source: 'agent',
    tool_name: of.tool_name,
    tool_call_id: of.tool_call_id,
    error,
    classification: { kind: 'agent_action', retryable: true, user_action: 'retry' },
    kind: 'AgentErrorEvent',
  });
}

/** An action with its observation. */
export function exchange(callId: string, command: string, text: string): BranchEvent[] {
  const call = action(callId, command);
  return [call, observation(call, text)];
}
