import type { Content, TextContent } from './content.js';
import type { EventBase } from './event-base.js';
import type { MessageToolCall, ReasoningItem, ThinkingBlock } from './message-event.js';

export type SecurityRisk = 'UNKNOWN' | 'LOW' | 'MEDIUM' | 'HIGH';

/** The validated arguments of a tool call; `kind` is the tool's action class and comes last. */
export interface Action {
  [field: string]: unknown;
  kind: string;
}

/** The result of a tool. Further fields depend on `kind`, which comes last. */
export interface Observation {
  content: Content[];
  is_error: boolean;
  [field: string]: unknown;
  kind: string;
}

/** One tool call of the agent. `action` and `summary` are absent when the call was not valid. */
export interface ActionEvent extends EventBase {
  thought: TextContent[];
  reasoning_content?: string;
  thinking_blocks: ThinkingBlock[];
  responses_reasoning_item?: ReasoningItem;
  action?: Action;
  tool_name: string;
  tool_call_id: string;
  tool_call: MessageToolCall;
  /** Shared by the calls of one model answer: they form one assistant message. */
  llm_response_id: string;
  security_risk: SecurityRisk;
  critic_result?: unknown;
  summary?: string;
  kind: 'ActionEvent';
}

/** The result of an executed action. */
export interface ObservationEvent extends EventBase {
  tool_name: string;
  tool_call_id: string;
  observation: Observation;
  action_id: string;
  extended_content: TextContent[];
  kind: 'ObservationEvent';
}

/** A tool call that could not be validated or executed; the model sees `error`. */
export interface AgentErrorEvent extends EventBase {
  tool_name: string;
  tool_call_id: string;
  error: string;
  classification: ErrorClassification;
  kind: 'AgentErrorEvent';
}

/** An action that a person or a hook refused. */
export interface UserRejectObservation extends EventBase {
  tool_name: string;
  tool_call_id: string;
  rejection_reason: string;
  rejection_source: 'user' | 'hook';
  action_id: string;
  kind: 'UserRejectObservation';
}

type ErrorKind =
  'auth' | 'quota' | 'rate_limit' | 'config' | 'transient' | 'agent_action' | 'internal' | 'unknown';

/** What an error means for the person who sees it. */
export interface ErrorClassification {
  kind: ErrorKind;
  retryable: boolean;
  user_action: 'none' | 'retry' | 'settings';
  error_id?: string;
}
