import { plainText, type DurableEvent } from '../../events/index.js';
import { callDetail } from './call-detail.js';
import { maskedLine } from './one-line.js';

/** An event in one line of at most 160 characters, for people. */
export function eventLabel(event: DurableEvent | undefined, mask: (text: string) => string): string {
  return event ? maskedLine(textOf(event, mask), mask) : '';
}

function textOf(event: DurableEvent, mask: (text: string) => string): string {
  switch (event.kind) {
    case 'MessageEvent':
      return plainText(event.llm_message.content);
    case 'ActionEvent':
      return `${event.tool_name} ${callDetail(event, mask)}`;
    case 'ObservationEvent':
      return `result of ${event.tool_name}`;
    case 'AgentErrorEvent':
      return `error of ${event.tool_name}`;
    case 'UserRejectObservation':
      return `${event.tool_name} was rejected`;
    case 'ConversationErrorEvent':
      return `${event.code}: ${event.detail}`;
    case 'SystemPromptEvent':
      return 'system prompt';
    case 'Condensation':
      return `${event.forgotten_event_ids.length} events condensed`;
    case 'CondensationRequest':
      return 'condensation requested';
    case 'PauseEvent':
      return 'paused';
    case 'InterruptEvent':
      return 'interrupted';
    case 'HookExecutionEvent':
      return `${event.hook_event_type} hook`;
    case 'ACPToolCallEvent':
      return event.title;
    default:
      return event.kind;
  }
}
