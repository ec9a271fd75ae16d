import { randomUUID } from 'node:crypto';
import { textContent, type EventDraft } from '../../events/index.js';
import { asJsonObject } from '../../json/index.js';
import type { LlmResponse } from '../../llm/index.js';
import type { Turn } from './turn.js';

const NO_ANSWER = '(No response from ACP server)';

/**
 * The events of an agent's answer: a `finish` action with its text.
 * @param mask masks secrets, which ACP agents know
 */
export function finishDrafts(turn: Turn, mask: (text: string) => string): EventDraft[] {
  const message = turn.text.trim() === '' ? NO_ANSWER : mask(turn.text);
  const callId = randomUUID();
  return [
    {
      id: turn.itemId,
      source: 'agent',
      thought: [],
      reasoning_content: turn.thoughts === '' ? undefined : turn.thoughts,
      thinking_blocks: [],
      action: { message, kind: 'FinishAction' },
      tool_name: 'finish',
      tool_call_id: callId,
      tool_call: {
        id: callId,
        name: 'finish',
        arguments: `{"message": ${JSON.stringify(message)}}`,
        origin: 'completion',
      },
      llm_response_id: randomUUID(),
      security_risk: 'UNKNOWN',
      kind: 'ActionEvent',
    },
    {
      source: 'environment',
      tool_name: 'finish',
      tool_call_id: callId,
      observation: { content: [textContent(message)], is_error: false, kind: 'FinishObservation' },
      action_id: turn.itemId,
      extended_content: [],
      kind: 'ObservationEvent',
    },
  ];
}

/** The text that an agent sent before its turn was interrupted. */
export function partialAnswer({ text, thoughts }: Turn): EventDraft[] {
  if (text.trim() === '') return [];
  return [agentMessage(text, thoughts === '' ? undefined : thoughts)];
}

export function agentMessage(text: string, reasoning?: string): EventDraft {
  return {
    source: 'agent',
    llm_message: {
      role: 'assistant',
      content: [textContent(text)],
      reasoning_content: reasoning,
      thinking_blocks: [],
    },
    activated_skills: [],
    extended_content: [],
    kind: 'MessageEvent',
  };
}

/**
 * The usage of a turn; undefined if the agent reports none.
 * @param costBefore cost of the session before the turn (US dollars)
 */
export function usageOf(
  turn: Turn,
  response: unknown,
  costBefore: number,
  sessionId: string,
): LlmResponse | undefined {
  const { usage: reportedUsage } = asJsonObject(response);
  const usage = asJsonObject(reportedUsage);
  if (reportedUsage === undefined && turn.sessionCost === undefined && turn.contextWindow === 0)
    return undefined;
  const count = (name: string): number => {
    const value = usage[name];
    return typeof value === 'number' && value > 0 ? value : 0;
  };
  const { sessionCost } = turn;
  // A new session counts from 0.
  const before = sessionCost !== undefined && sessionCost >= costBefore ? costBefore : 0;
  return {
    id: sessionId,
    message: { role: 'assistant', content: [], thinking_blocks: [] },
    usage: {
      prompt_tokens: count('inputTokens'),
      completion_tokens: count('outputTokens'),
      cache_read_tokens: count('cachedReadTokens'),
      cache_write_tokens: count('cachedWriteTokens'),
      reasoning_tokens: count('thoughtTokens'),
      context_window: turn.contextWindow,
    },
    cost: sessionCost === undefined ? null : sessionCost - before,
    latency: (performance.now() - turn.startedAt) / 1000,
  };
}
