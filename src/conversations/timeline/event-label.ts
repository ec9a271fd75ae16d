import { plainText, type DurableEvent } from '../../events/index.js';
import { firstCharacters } from '../../text/index.js';

const MAX_LENGTH = 160;

/** An event in one line of at most 160 characters, for people. */
export function eventLabel(event: DurableEvent | undefined): string {
  return event ? oneLine(textOf(event)) : '';
}

function textOf(event: DurableEvent): string {
  switch (event.kind) {
    case 'MessageEvent':
      return plainText(event.llm_message.content);
    case 'ActionEvent':
      return event.summary ? `${event.tool_name}: ${event.summary}` : event.tool_name;
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

/** The beginning of a text in one line of at most 160 characters. */
export function oneLine(text: string): string {
  // Cut before the spaces are replaced: a text may have many megabytes of them.
  const start = firstCharacters(text, 4 * MAX_LENGTH)
    .replace(/\s+/g, ' ')
    .trim();
  const label = firstCharacters(start, MAX_LENGTH);
  return label.length < start.length ? `${label.slice(0, -1)}…` : label;
}
