import type { LanguageModelV3Content } from '@ai-sdk/provider';
import { randomUUID } from 'node:crypto';
import { isJsonObject } from '../../json/index.js';
import { modelFetch } from '../transport/model-fetch.js';
import type { ProviderAnswer, ProviderCall } from '../providers/provider.js';
import { toAnswer } from './answer.js';
import { requestHeaders } from './chat-completions.js';
import { jsonLines } from './json-lines.js';
import { EmptyAnswerError } from './language-model.js';
import { ollamaBody, type OllamaBody } from './ollama-body.js';
import { RefusalError } from './refusal.js';

/** Where Ollama is. */
export interface OllamaEndpoint {
  /** Ends before `/api/chat`. */
  baseUrl: string;
  headers: Record<string, string>;
}

/**
 * Asks Ollama by its own protocol (https://docs.ollama.com/api/chat): the only one of its routes that takes
 * the size of the context and tells thinking apart. A model that cannot think is asked again without: only
 * Ollama knows which can.
 */
export async function callOllama(call: ProviderCall, endpoint: OllamaEndpoint): Promise<ProviderAnswer> {
  const body = ollamaBody(call);
  const first = await post(call, endpoint, body);
  if (first.status !== 400 || body.think === undefined) return readAnswer(call, first);
  const refusal = await first.text();
  if (!/does not support thinking/i.test(refusal))
    throw new RefusalError(400, refusal, Object.fromEntries(first.headers));
  return readAnswer(call, await post(call, endpoint, { ...body, think: undefined }));
}

async function post(
  call: ProviderCall,
  { baseUrl, headers }: OllamaEndpoint,
  body: OllamaBody,
): Promise<Response> {
  return modelFetch(`${baseUrl}/api/chat`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers, ...requestHeaders(call) },
    body: JSON.stringify(body),
    signal: call.signal,
  });
}

async function readAnswer(call: ProviderCall, response: Response): Promise<ProviderAnswer> {
  const headers = Object.fromEntries(response.headers);
  if (!response.ok) throw new RefusalError(response.status, await response.text(), headers);
  call.onProgress();
  const answer = new OllamaAnswer(call);
  if (response.body) for await (const line of jsonLines(response.body)) answer.add(line);
  return answer.finish(headers);
}

type ToolCall = Extract<LanguageModelV3Content, { type: 'tool-call' }>;

/** Puts the lines of an answer together; one that is not streamed is a single line. */
class OllamaAnswer {
  private readonly id = `chatcmpl-${randomUUID()}`;
  private text = '';
  private reasoning = '';
  private readonly calls: ToolCall[] = [];
  private done: { prompt: number; completion: number } | undefined;

  constructor(private readonly call: ProviderCall) {}

  /** @throws what Ollama says when it fails in the middle */
  add(line: unknown): void {
    this.call.onProgress();
    if (!isJsonObject(line))
      throw new EmptyAnswerError('Ollama answered with something else than JSON objects.');
    if (line['error'] !== undefined) throw new RefusalError(500, JSON.stringify(line));
    const { message } = line;
    if (isJsonObject(message)) this.addMessage(message);
    if (line['done'] !== true) return;
    this.done = { prompt: count(line['prompt_eval_count']), completion: count(line['eval_count']) };
  }

  private addMessage({ content, thinking, tool_calls }: Record<string, unknown>): void {
    if (typeof thinking === 'string' && thinking !== '') {
      this.reasoning += thinking;
      this.tell('reasoning', thinking);
    }
    if (typeof content === 'string' && content !== '') {
      this.text += content;
      this.tell('text', content);
    }
    if (Array.isArray(tool_calls)) for (const call of tool_calls) this.addCall(call);
  }

  private tell(kind: 'text' | 'reasoning', content: string): void {
    this.call.onDelta({ kind, content, responseId: this.id });
  }

  /** Calls come whole; only newer versions of Ollama give them ids. */
  private addCall(call: unknown): void {
    const called = isJsonObject(call) ? call['function'] : undefined;
    if (!isJsonObject(call) || !isJsonObject(called) || typeof called['name'] !== 'string') return;
    const { name, arguments: args } = called;
    this.calls.push({
      type: 'tool-call',
      toolCallId: typeof call['id'] === 'string' && call['id'] !== '' ? call['id'] : `call_${randomUUID()}`,
      toolName: name,
      input: typeof args === 'string' ? args : JSON.stringify(args ?? {}),
    });
  }

  finish(headers: Record<string, string>): ProviderAnswer {
    if (!this.done) throw new EmptyAnswerError('The stream ended before the answer was complete.');
    const { prompt, completion } = this.done;
    const content: LanguageModelV3Content[] = [
      ...(this.reasoning === '' ? [] : [{ type: 'reasoning' as const, text: this.reasoning }]),
      ...(this.text === '' ? [] : [{ type: 'text' as const, text: this.text }]),
      ...this.calls,
    ];
    const nothing = { cacheRead: undefined, cacheWrite: undefined, noCache: undefined };
    return toAnswer(
      {
        id: this.id,
        content,
        usage: {
          inputTokens: { total: prompt, ...nothing },
          outputTokens: { total: completion, text: undefined, reasoning: undefined },
        },
        headers,
      },
      'completion',
    );
  }
}

function count(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
