import { randomUUID } from 'node:crypto';
import { textContent, type EventDraft } from '../events/index.js';
import { asJsonObject } from '../json/index.js';
import type { LlmResponse } from '../llm/llm.js';
import type { Turn } from './turn.js';

const NOTHING_SAID = '(No response from ACP server)';

/**
 * What the log says of the answer of an agent: it has finished, with these words.
 * @param mask frees a text from secrets, which such an agent knows
 */
export function answerDrafts(turn: Turn, mask: (text: string) => string): EventDraft[] {
  const message = turn.text.trim() === '' ? NOTHING_SAID : mask(turn.text);
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

/** What an agent said before its turn was cut off: nothing of it is lost. */
export function partialAnswer({ text, thoughts }: Turn): EventDraft[] {
  if (text.trim() === '') return [];
  return [agentMessage(text, thoughts === '' ? undefined : thoughts)];
}

/** A message of the agent. */
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
 * What a turn has used, as far as the agent says so; undefined: it says nothing.
 * @param costBefore what the session had cost before it (US dollars)
 */
export function usageOf(
  turn: Turn,
  response: unknown,
  costBefore: number,
  sessionId: string,
): LlmResponse | undefined {
  const { usage: told } = asJsonObject(response);
  const usage = asJsonObject(told);
  if (told === undefined && turn.sessionCost === undefined && turn.contextWindow === 0) return undefined;
  const count = (name: string): number => {
    const value = usage[name];
    return typeof value === 'number' && value > 0 ? value : 0;
  };
  const { sessionCost } = turn;
  // A session that was started anew counts from 0.
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
