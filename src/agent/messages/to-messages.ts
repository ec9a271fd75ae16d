import type {
  ActionEvent,
  AgentErrorEvent,
  Content,
  Message,
  Observation,
  ObservationEvent,
  SystemPromptEvent,
  UserRejectObservation,
} from '../../events/index.js';
import { textContent } from '../../events/index.js';
import type { BranchEvent, ViewEvent } from '../agent-view.js';

type ResultEvent = ObservationEvent | AgentErrorEvent | UserRejectObservation;

/** Converts an observation into content for the model. */
export type ObservationRenderer = (observation: Observation) => Content[];

/** Longer tool results are cut in the middle (characters; the limit of the OpenHands SDK). */
const MAX_TOOL_TEXT = 50_000;

/**
 * Converts the view into messages for the model. Each result directly follows the call it belongs to, because
 * providers reject anything else and messages may arrive while a tool runs.
 */
export function toMessages(
  events: readonly (BranchEvent | ViewEvent)[],
  render: ObservationRenderer,
): Message[] {
  const results = resultsByAction(events);
  const messages: Message[] = [];
  for (let index = 0; index < events.length; index++) {
    const event = events[index];
    if (event?.kind === 'SystemPromptEvent') messages.push(systemMessage(event));
    if (event?.kind === 'MessageEvent') appendMessage(messages, event.llm_message, event.extended_content);
    if (event?.kind === 'CondensationSummaryEvent')
      appendMessage(messages, summaryMessage(event.summary), []);
    if (event?.kind === 'ActionEvent') {
      const batch = callsOfAnswer(events, index);
      messages.push(assistantMessage(batch));
      for (const action of batch) {
        const result = results.get(action.id);
        if (result) messages.push(toolMessage(result, render));
      }
      index = events.indexOf(batch[batch.length - 1] ?? event, index);
    }
  }
  return messages;
}

/**
 * The results by action id. An error names only the call, and providers may reuse call ids, so it belongs to
 * the latest action with that call id. Only the first result of an action counts: providers would reject a
 * second one.
 */
export function resultsByAction(events: readonly (BranchEvent | ViewEvent)[]): Map<string, ResultEvent> {
  const results = new Map<string, ResultEvent>();
  const latest = new Map<string, string>();
  for (const event of events) {
    if (event.kind === 'ActionEvent') latest.set(event.tool_call_id, event.id);
    if (!isResult(event)) continue;
    const actionId = event.kind === 'AgentErrorEvent' ? latest.get(event.tool_call_id) : event.action_id;
    if (actionId !== undefined && !results.has(actionId)) results.set(actionId, event);
  }
  return results;
}

function isResult(event: BranchEvent | ViewEvent): event is ResultEvent {
  return (
    event.kind === 'ObservationEvent' ||
    event.kind === 'AgentErrorEvent' ||
    event.kind === 'UserRejectObservation'
  );
}

/**
 * The calls of one answer: consecutive actions with the same response id. Errors of invalid calls may stand
 * between them.
 */
function callsOfAnswer(events: readonly (BranchEvent | ViewEvent)[], start: number): ActionEvent[] {
  const batch: ActionEvent[] = [];
  for (let index = start; index < events.length; index++) {
    const event = events[index];
    if (event?.kind === 'ActionEvent') {
      if (batch[0] && event.llm_response_id !== batch[0].llm_response_id) break;
      batch.push(event);
    } else if (event?.kind !== 'AgentErrorEvent') {
      break;
    }
  }
  return batch;
}

function systemMessage(event: SystemPromptEvent): Message {
  const content = event.dynamic_context
    ? [event.system_prompt, event.dynamic_context]
    : [event.system_prompt];
  return { role: 'system', content, thinking_blocks: [] };
}

/** A summary is sent as a user message. */
function summaryMessage(summary: string): Message {
  return { role: 'user', content: [textContent(summary)], thinking_blocks: [] };
}

/** Merges consecutive user messages: some providers require alternating roles. */
function appendMessage(messages: Message[], message: Message, extended: readonly Content[]): void {
  const content = [...message.content, ...extended];
  const last = messages[messages.length - 1];
  if (message.role === 'user' && last?.role === 'user') {
    // A copy made below; the view's own message stays unchanged.
    last.content.push(...content);
    return;
  }
  messages.push({ ...message, content });
}

function assistantMessage(batch: readonly ActionEvent[]): Message {
  const first = batch[0];
  return {
    role: 'assistant',
    content: first?.thought ?? [],
    tool_calls: batch.map((action) => action.tool_call),
    reasoning_content: first?.reasoning_content,
    thinking_blocks: first?.thinking_blocks ?? [],
    responses_reasoning_item: first?.responses_reasoning_item,
  };
}

function toolMessage(event: ResultEvent, render: ObservationRenderer): Message {
  return {
    role: 'tool',
    content: resultContent(event, render).map(limitText),
    tool_call_id: event.tool_call_id,
    name: event.tool_name,
    thinking_blocks: [],
  };
}

function resultContent(event: ResultEvent, render: ObservationRenderer): Content[] {
  switch (event.kind) {
    case 'AgentErrorEvent':
      return [textContent(event.error)];
    case 'UserRejectObservation':
      return [textContent(`Action rejected: ${event.rejection_reason}`)];
    case 'ObservationEvent': {
      const mark = event.observation.is_error ? [textContent('[An error occurred during execution.]\n')] : [];
      return [...mark, ...render(event.observation), ...event.extended_content];
    }
  }
}

function limitText(block: Content): Content {
  if (block.type !== 'text' || block.text.length <= MAX_TOOL_TEXT) return block;
  const notice = '<response clipped><NOTE>The middle of this result was left out.</NOTE>';
  const room = MAX_TOOL_TEXT - notice.length;
  const head = Math.ceil(room / 2);
  return { ...block, text: block.text.slice(0, head) + notice + block.text.slice(head - room) };
}
