import type { EventBase } from './event-base.js';
import type { ErrorClassification, SecurityRisk } from './action-event.js';

/** What a conversation is doing. */
export const EXECUTION_STATUSES = [
  'idle',
  'running',
  'paused',
  'waiting_for_confirmation',
  'finished',
  'error',
  'stuck',
  'deleting',
] as const;
export type ExecutionStatus = (typeof EXECUTION_STATUSES)[number];

/** One field of the state that changed; `full_state` is a snapshot and is never persisted. */
export interface ConversationStateUpdateEvent extends EventBase {
  key: string;
  value?: unknown;
  kind: 'ConversationStateUpdateEvent';
}

/** The run failed. `code` is the class of the failure, `detail` its text. */
export interface ConversationErrorEvent extends EventBase {
  code: string;
  detail: string;
  classification: ErrorClassification;
  kind: 'ConversationErrorEvent';
}

/** Something that a socket's client sent was not understood. Sent to that socket only, never persisted. */
export interface ServerErrorEvent extends EventBase {
  code: string;
  detail: string;
  kind: 'ServerErrorEvent';
}

/** A piece of an answer while the model writes it. Sent to sockets only, never persisted. */
export interface StreamingDeltaEvent extends EventBase {
  content?: string;
  reasoning_content?: string;
  kind: 'StreamingDeltaEvent';
}

/** What an analyzer thinks of the actions of one answer, by their ids. */
export interface SecurityAnalysisEvent extends EventBase {
  /** Class names of the analyzer and of the confirmation policy. */
  analyzer: string;
  policy: string;
  risks: Record<string, SecurityRisk>;
  /** What the analyzer could not do, by action. */
  details: Record<string, { note: string }>;
  kind: 'SecurityAnalysisEvent';
}

/** A call of a model, for who looks for what went wrong (`log_completions`). */
export interface LLMCompletionLogEvent extends EventBase {
  filename: string;
  /** JSON: what was sent and what came back. */
  log_data: string;
  model_name: string;
  usage_id: string;
  kind: 'LLMCompletionLogEvent';
}

/** The run was paused between two steps. */
export interface PauseEvent extends EventBase {
  kind: 'PauseEvent';
}

/** The run was stopped in the middle of a step. */
export interface InterruptEvent extends EventBase {
  kind: 'InterruptEvent';
}

/** Somebody asked for the history to be condensed. */
export interface CondensationRequest extends EventBase {
  kind: 'CondensationRequest';
}

/** Events that the model no longer sees, and the summary that stands for them. */
export interface Condensation extends EventBase {
  forgotten_event_ids: string[];
  summary?: string;
  summary_offset?: number;
  llm_response_id: string;
  kind: 'Condensation';
}
