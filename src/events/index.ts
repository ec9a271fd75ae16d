import type {
  ActionEvent,
  AgentErrorEvent,
  ObservationEvent,
  UserRejectObservation,
} from './action-event.js';
import type { ACPToolCallEvent } from './acp-event.js';
import type { HookExecutionEvent } from './hook-event.js';
import type { MessageEvent, SystemPromptEvent } from './message-event.js';
import type {
  Condensation,
  CondensationRequest,
  ConversationErrorEvent,
  ConversationStateUpdateEvent,
  InterruptEvent,
  LLMCompletionLogEvent,
  PauseEvent,
  SecurityAnalysisEvent,
  ServerErrorEvent,
  StreamingDeltaEvent,
} from './state-event.js';

export * from './content.js';
export * from './event-base.js';
export * from './message-event.js';
export * from './action-event.js';
export * from './acp-event.js';
export * from './hook-event.js';
export * from './state-event.js';
export * from './clock.js';
export * from './create-event.js';
export * from './serialise.js';
export * from './event-bus.js';

/** Every event that a log can hold. */
export type DurableEvent =
  | SystemPromptEvent
  | MessageEvent
  | ActionEvent
  | ObservationEvent
  | AgentErrorEvent
  | UserRejectObservation
  | ConversationStateUpdateEvent
  | ConversationErrorEvent
  | SecurityAnalysisEvent
  | HookExecutionEvent
  | ACPToolCallEvent
  | PauseEvent
  | InterruptEvent
  | CondensationRequest
  | Condensation
  | LLMCompletionLogEvent;

/** Events that are only sent: snapshots, deltas, complaints about a frame. */
export type TransientEvent = ConversationStateUpdateEvent | StreamingDeltaEvent | ServerErrorEvent;

export type ConversationEvent = DurableEvent | TransientEvent;
