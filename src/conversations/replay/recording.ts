import {
  plainText,
  type ActionEvent,
  type AgentErrorEvent,
  type Condensation,
  type DurableEvent,
  type MessageEvent,
  type ObservationEvent,
  type SystemPromptEvent,
  type UserRejectObservation,
} from '../../events/index.js';
import type { LlmResponse } from '../../llm/index.js';

/** What came of a call. */
export type CallResult = ObservationEvent | AgentErrorEvent | UserRejectObservation;

/** A tool call of an answer, with what came of it; a log may end before the result. */
export interface RecordedCall {
  action: ActionEvent;
  result?: CallResult;
}

/** One answer of the model: text, calls, or both. */
export interface RecordedAnswer {
  id: string;
  /** The event that a text is in. */
  message?: MessageEvent;
  calls: RecordedCall[];
  /** How many messages of people came before it. */
  messagesBefore: number;
  /** How often the history was condensed before it. */
  condensationsBefore: number;
  /** How often the run ended before it by an error, a pause or an interruption. */
  stopsBefore: number;
}

/** The events of a branch as a dialogue between people, model and tools. */
export interface Recording {
  prompt?: SystemPromptEvent;
  answers: RecordedAnswer[];
  /** Messages of people. */
  messages: MessageEvent[];
  /** How often the history was condensed before each of them. */
  condensedBefore: number[];
  condensations: Condensation[];
}

/** Reads the dialogue from the events of a branch, from its root to its head. */
export function recordingOf(events: readonly DurableEvent[]): Recording {
  const recording: Recording = { answers: [], messages: [], condensedBefore: [], condensations: [] };
  const answers = new Map<string, RecordedAnswer>();
  const latest = new Map<string, RecordedCall>();
  let stops = 0;
  const answerOf = (id: string): RecordedAnswer => {
    const known = answers.get(id);
    if (known) return known;
    const { messages, condensations } = recording;
    const answer: RecordedAnswer = {
      ...{ id, calls: [] },
      ...{ messagesBefore: messages.length, condensationsBefore: condensations.length },
      stopsBefore: stops,
    };
    answers.set(id, answer);
    recording.answers.push(answer);
    return answer;
  };
  for (const event of events) {
    switch (event.kind) {
      case 'SystemPromptEvent':
        recording.prompt ??= event;
        break;
      case 'MessageEvent':
        if (event.source === 'user') {
          recording.messages.push(event);
          recording.condensedBefore.push(recording.condensations.length);
        } else if (event.source === 'agent') answerOf(event.llm_response_id ?? event.id).message = event;
        break;
      case 'ActionEvent': {
        const call = { action: event };
        answerOf(event.llm_response_id).calls.push(call);
        // Providers may use the id of a call again.
        latest.set(event.tool_call_id, call);
        break;
      }
      case 'ObservationEvent':
      case 'AgentErrorEvent':
      case 'UserRejectObservation': {
        const call = latest.get(event.tool_call_id);
        if (call) call.result ??= event;
        break;
      }
      case 'Condensation':
        recording.condensations.push(event);
        break;
      case 'ConversationErrorEvent':
      case 'PauseEvent':
      case 'InterruptEvent':
        stops += 1;
        break;
      default:
        break;
    }
  }
  return recording;
}

/** The answer as the model gave it. It costs nothing now. */
export function responseOf({
  id,
  message,
  calls,
}: Pick<RecordedAnswer, 'id' | 'message' | 'calls'>): LlmResponse {
  const [first] = calls;
  const lead = first?.action;
  const text = message
    ? message.llm_message.content.flatMap((block) => (block.type === 'text' ? [block] : []))
    : (lead?.thought ?? []);
  return {
    id,
    message: {
      role: 'assistant',
      content: text,
      ...(calls.length > 0 && { tool_calls: calls.map(({ action }) => action.tool_call) }),
      reasoning_content: message?.llm_message.reasoning_content ?? lead?.reasoning_content,
      thinking_blocks: message?.llm_message.thinking_blocks ?? lead?.thinking_blocks ?? [],
      responses_reasoning_item:
        message?.llm_message.responses_reasoning_item ?? lead?.responses_reasoning_item,
    },
    usage: {
      ...{ prompt_tokens: 0, completion_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0 },
      ...{ reasoning_tokens: 0, context_window: 0 },
    },
    cost: null,
    latency: 0,
  };
}

/** The text that was added to a message of a person. */
export function addedText({ extended_content }: MessageEvent): string {
  return plainText(extended_content);
}
