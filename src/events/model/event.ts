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

/** Events that are stored in a log. */
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

/** Events that are sent but not stored: snapshots, deltas, errors about a frame. */
export type TransientEvent = ConversationStateUpdateEvent | StreamingDeltaEvent | ServerErrorEvent;

export type ConversationEvent = DurableEvent | TransientEvent;
