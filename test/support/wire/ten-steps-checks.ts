import { readFileSync } from 'node:fs';
import { brief } from '../conversation-client.js';
import type { TenSteps } from './ten-steps.js';
import { tokens, type Json } from './wire-protocol.js';

/** The tenth request of the Python original in the same conversation; see `plainRequest`. */
export function recorded(name: string): Json {
  return JSON.parse(readFileSync(new URL(`recorded/${name}.json`, import.meta.url), 'utf8')) as Json;
}

/** The names and parameters of the tools that the original offered. */
export function recordedTools(): { name: string; parameters: Json }[] {
  return JSON.parse(readFileSync(new URL('recorded/tools.json', import.meta.url), 'utf8')) as ReturnType<
    typeof recordedTools
  >;
}

/**
 * Expects what holds for every protocol: all ten steps were made, none was lost, and the tokens add up.
 * @param countsReasoning whether the protocol reports reasoning tokens; if not, they are estimated
 * @param countsCache whether it reports cached tokens
 */
export function expectTenSteps(steps: TenSteps, countsReasoning = true, countsCache = true): void {
  const errors = steps.events.filter(({ kind }) => kind === 'ConversationErrorEvent');
  expect(errors).toEqual([]);
  expect(steps.requests).toHaveLength(10);
  expect(steps.finalResponse).toBe('Done: 行 🌍.');
  expect(steps.file).toBe('Grüße, "World" 🌍\n\t行 \\ two\n');
  const counted = summedTokens(countsCache);
  const tokens = countsReasoning ? counted : { ...counted, reasoning_tokens: estimatedReasoning(steps) };
  expect(steps.info['stats']).toMatchObject({
    usage_to_metrics: { agent: { accumulated_token_usage: tokens } },
  });
}

/** A quarter of the characters of each answer's reasoning. */
function estimatedReasoning({ events }: TenSteps): number {
  const texts = events.map(({ reasoning_content: own, llm_message: message }) => {
    const text = own ?? (message as { reasoning_content?: unknown } | undefined)?.reasoning_content;
    return typeof text === 'string' ? text : '';
  });
  return texts.reduce((sum, { length }) => sum + Math.ceil(length / 4), 0);
}

/** The tokens of ten answers. `prompt_tokens` includes cached ones. */
function summedTokens(countsCache: boolean): Json {
  const sum = (of: (number: number) => number): number =>
    Array.from({ length: 10 }, (_, index) => of(index + 1)).reduce((all, one) => all + one, 0);
  return {
    prompt_tokens: sum((number) => tokens(number).prompt),
    completion_tokens: sum((number) => tokens(number).completion),
    cache_read_tokens: sum((number) => (countsCache ? tokens(number).cached : 0)),
    reasoning_tokens: sum((number) => tokens(number).reasoning),
  };
}

/**
 * Expects that each request begins with the previous one, which caches of providers need.
 * @param field the field with the dialogue: `messages`, `input`, `contents`
 */
export function expectGrowingHistory({ plain }: TenSteps, field: string): void {
  const histories = plain.map(({ body }) => unmarked((body as Json)[field]) as unknown[]);
  for (const [index, history] of histories.entries()) {
    const before = histories[index - 1] ?? [];
    expect(history.length).toBeGreaterThan(before.length);
    expect(history.slice(0, before.length)).toEqual(before);
  }
}

/** Removes cache marks, which move with the end of the dialogue. */
function unmarked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unmarked);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([name]) => name !== 'cache_control');
  return Object.fromEntries(fields.map(([name, field]) => [name, unmarked(field)]));
}

/** The events of the conversation without fields that differ from run to run. */
export function seen({ events }: TenSteps): unknown[] {
  return events.map((event) => {
    const { thought, reasoning_content, tool_name, llm_message } = event;
    return { brief: brief(event), thought, reasoning_content, tool_name, llm_message };
  });
}
