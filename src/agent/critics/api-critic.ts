import { errorMessage } from '../../errors/index.js';
import { plainText, type Message } from '../../events/index.js';
import { MAX_TIMER_MS } from '../../flow/index.js';
import { isJsonObject, type JsonObject } from '../../json/index.js';
import type { LlmTool } from '../../llm/index.js';
import type { CriticResult } from './local-critics.js';
import { readResponseText, withoutTrailingSlashes } from '../../text/index.js';

/** Longest accepted response (bytes). */
const MAX_BYTES = 1024 * 1024;

/** The critic's service gave no verdict. The message contains nothing of the request. */
class CriticServiceError extends Error {
  override readonly name = 'CriticServiceError';
}

/**
 * Calls the critic's classifier (`POST {server_url}/classify`, the API of vLLM), which returns one
 * probability per label. Redirects are not followed, so the key is sent to no other host.
 * @throws CriticServiceError, or the reason of the signal
 */
export async function askCriticService(
  critic: JsonObject,
  dialogue: { messages: readonly Message[]; tools: readonly LlmTool[] },
  signal: AbortSignal,
): Promise<CriticResult> {
  const { server_url, api_key, model_name, timeout_seconds, pass_tools_definitions } = critic;
  const seconds = typeof timeout_seconds === 'number' ? timeout_seconds : 300;
  const tools = pass_tools_definitions === false ? [] : dialogue.tools;
  try {
    const response = await fetch(`${withoutTrailingSlashes(String(server_url))}/classify`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${String(api_key)}` },
      body: JSON.stringify({ model: model_name, input: chatText(dialogue.messages, tools) }),
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(Math.min(seconds * 1_000, MAX_TIMER_MS))]),
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw new CriticServiceError(`it answered ${response.status}`);
    }
    return toResult(
      critic,
      probabilities(
        await readResponseText(response, MAX_BYTES, () => new CriticServiceError('its answer is too long')),
      ),
    );
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof CriticServiceError) throw error;
    throw new CriticServiceError(failureReason(error, seconds));
  }
}

/** The dialogue in ChatML, as used by the Qwen models. Images are left out. */
function chatText(messages: readonly Message[], tools: readonly LlmTool[]): string {
  const blocks = messages.map(({ role, content, tool_calls: calls = [] }, index) => {
    const said = plainText(content);
    const called = calls.map(
      ({ name, arguments: args }) =>
        `<tool_call>\n{"name": ${JSON.stringify(name)}, "arguments": ${args}}\n</tool_call>`,
    );
    const offered = index === 0 && tools.length > 0 ? [toolText(tools)] : [];
    const body = role === 'tool' ? `<tool_response>\n${said}\n</tool_response>` : said;
    const text = [...(body === '' ? [] : [body]), ...offered, ...called].join('\n');
    return `<|im_start|>${role === 'tool' ? 'user' : role}\n${text}<|im_end|>\n`;
  });
  return blocks.join('');
}

function toolText(tools: readonly LlmTool[]): string {
  const lines = tools.map((tool) => JSON.stringify({ type: 'function', function: tool }));
  return `\n# Tools\n\n<tools>\n${lines.join('\n')}\n</tools>`;
}

function toResult(critic: JsonObject, found: readonly number[]): CriticResult {
  const issues = stringsIn(critic['agent_issue_labels']);
  const names = [
    ...(critic['has_success_label'] === false ? [] : ['success']),
    ...stringsIn(critic['sentiment_labels']),
    ...issues,
    ...stringsIn(critic['infra_labels']),
    ...stringsIn(critic['user_followup_labels']),
  ];
  if (found.length !== names.length) {
    throw new CriticServiceError(`it answered with ${found.length} numbers for ${names.length} labels`);
  }
  const known = new Map(names.map((name, index) => [name, found[index] ?? 0]));
  const threshold = critic['issue_threshold'];
  const likely = issues
    .map((name) => [name, known.get(name) ?? 0] as const)
    .filter(([, probability]) => probability >= (typeof threshold === 'number' ? threshold : 0.75))
    .sort(([, a], [, b]) => b - a);
  // Without a success label the score is derived from the most likely issue.
  const worst = Math.max(0, ...issues.map((name) => known.get(name) ?? 0));
  const score = known.get('success') ?? 1 - worst;
  const list = likely.map(
    ([name, probability]) => `${name.replaceAll('_', ' ')} (${formatPercent(probability)})`,
  );
  return {
    score,
    message: `Success: ${formatPercent(score)}.${list.length > 0 ? ` Likely issues: ${list.join(', ')}.` : ''}`,
    metadata: { parseProbabilities: Object.fromEntries(known), issues: likely.map(([name]) => name) },
  };
}

/** @throws CriticServiceError if the response has another form */
function probabilities(text: string): number[] {
  const answer: unknown = JSON.parse(text);
  const data: unknown = isJsonObject(answer) ? answer['data'] : undefined;
  const first: unknown = Array.isArray(data) ? data[0] : undefined;
  const found: unknown = isJsonObject(first) ? first['probs'] : undefined;
  const isProbability = (value: unknown): value is number =>
    typeof value === 'number' && value >= 0 && value <= 1;
  if (!Array.isArray(found) || !found.every(isProbability)) {
    throw new CriticServiceError('its answer holds no probabilities');
  }
  return found;
}

function stringsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((name): name is string => typeof name === 'string') : [];
}

/** Formats a fraction as a percentage. */
export function formatPercent(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}

/** `fetch` reports the actual reason as cause. */
function failureReason(error: unknown, seconds: number): string {
  if (error instanceof SyntaxError) return 'its answer is no JSON';
  if (error instanceof Error && error.name === 'TimeoutError') return `it did not answer within ${seconds} s`;
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error && 'code' in cause) return `it cannot be reached (${String(cause.code)})`;
  return errorMessage(cause ?? error).slice(0, 200);
}
