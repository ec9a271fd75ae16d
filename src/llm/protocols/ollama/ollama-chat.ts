import type { LanguageModelV3Content } from '@ai-sdk/provider';
import { randomUUID } from 'node:crypto';
import { isJsonObject } from '../../../json/index.js';
import { modelFetch } from '../../transport/model-fetch.js';
import type { ProviderAnswer, ProviderCall } from '../../providers/provider.js';
import { toAnswer } from '../answer.js';
import { requestHeaders } from '../request-fields.js';
import { EmptyAnswerError } from '../sdk/language-model.js';
import { ollamaBody, type OllamaBody } from './ollama-body.js';
import { RefusalError } from '../refusal.js';

/** An Ollama endpoint. */
interface OllamaEndpoint {
  /** Without `/api/chat`. */
  baseUrl: string;
  headers: Record<string, string>;
}

/**
 * Calls Ollama with its own protocol (https://docs.ollama.com/api/chat), its only route that accepts a
 * context size and separates thinking from text. If the model cannot think the request is repeated without
 * thinking, because only Ollama knows which models can.
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

/** Assembles an answer from its lines. An answer that is not streamed is a single line. */
class OllamaAnswer {
  private readonly id = `chatcmpl-${randomUUID()}`;
  private text = '';
  private reasoning = '';
  private readonly calls: ToolCall[] = [];
  private done: { prompt: number; completion: number } | undefined;

  constructor(private readonly call: ProviderCall) {}

  /** @throws the error that Ollama reports inside a stream */
  add(line: unknown): void {
    this.call.onProgress();
    if (!isJsonObject(line)) throw new EmptyAnswerError('Ollama did not answer with JSON objects.');
    if (line['error'] !== undefined) throw new RefusalError(500, JSON.stringify(line));
    const { message } = line;
    if (isJsonObject(message)) this.addMessage(message);
    if (line['done'] !== true) return;
    this.done = { prompt: count(line['prompt_eval_count']), completion: count(line['eval_count']) };
  }

  private addMessage({ content, thinking, tool_calls }: Record<string, unknown>): void {
    if (typeof thinking === 'string' && thinking !== '') {
      this.reasoning += thinking;
      this.emit('reasoning', thinking);
    }
    if (typeof content === 'string' && content !== '') {
      this.text += content;
      this.emit('text', content);
    }
    if (Array.isArray(tool_calls)) for (const call of tool_calls) this.addCall(call);
  }

  private emit(kind: 'text' | 'reasoning', content: string): void {
    this.call.onDelta({ kind, content, responseId: this.id });
  }

  /** Calls arrive complete; older versions of Ollama send no ids. */
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

/**
 * Parses JSON lines from bytes that may be cut anywhere. The last line needs no line feed.
 * @throws SyntaxError for a line that is not JSON
 */
async function* jsonLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of bytes) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* parsedLines(lines);
  }
  yield* parsedLines([rest + decoder.decode()]);
}

function* parsedLines(lines: readonly string[]): Generator {
  for (const line of lines) {
    if (line.trim() === '') continue;
    const value: unknown = JSON.parse(line);
    yield value;
  }
}
