import type { EventBase } from './event-base.js';
import type { ErrorClassification, SecurityRisk } from './action-event.js';

/** The execution status of a conversation. */
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

/** A changed field of the state. `full_state` is a snapshot and is never stored. */
export interface ConversationStateUpdateEvent extends EventBase {
  key: string;
  value?: unknown;
  kind: 'ConversationStateUpdateEvent';
}

/** The key of the update that says that the run which waited for a free slot was cancelled. */
export const QUEUED_RUN = 'queued_run';

/** The run failed. `code` is the error class, `detail` the message. */
export interface ConversationErrorEvent extends EventBase {
  code: string;
  detail: string;
  classification: ErrorClassification;
  kind: 'ConversationErrorEvent';
}

/** A frame of a socket client was invalid. Sent only to that socket, never stored. */
export interface ServerErrorEvent extends EventBase {
  code: string;
  detail: string;
  kind: 'ServerErrorEvent';
}

/** A piece of an answer while the model writes it. Sent only to sockets, never stored. */
export interface StreamingDeltaEvent extends EventBase {
  content?: string;
  reasoning_content?: string;
  kind: 'StreamingDeltaEvent';
}

/** The risks that an analyzer assigned to the actions of one answer, by action id. */
export interface SecurityAnalysisEvent extends EventBase {
  /** Class names of the analyzer and of the confirmation policy. */
  analyzer: string;
  policy: string;
  risks: Record<string, SecurityRisk>;
  /** Problems of the analysis, by action id. */
  details: Record<string, { note: string }>;
  kind: 'SecurityAnalysisEvent';
}

/** A logged model call (`log_completions`). */
export interface LLMCompletionLogEvent extends EventBase {
  filename: string;
  /** Request and answer as JSON. */
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

/** A client requested a condensation of the history. */
export interface CondensationRequest extends EventBase {
  kind: 'CondensationRequest';
}

/** Events that are hidden from the model, and the summary that replaces them. */
export interface Condensation extends EventBase {
  forgotten_event_ids: string[];
  summary?: string;
  summary_offset?: number;
  llm_response_id: string;
  kind: 'Condensation';
}
