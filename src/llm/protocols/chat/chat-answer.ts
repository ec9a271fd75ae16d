import type { LanguageModelV3Content, LanguageModelV3Usage } from '@ai-sdk/provider';
import { isJsonObject, type JsonObject, tryParseJson } from '../../../json/index.js';
import type { LlmDelta } from '../../request/llm-request.js';
import type { ProviderCall } from '../../providers/provider.js';
import { EmptyAnswerError, FilteredAnswerError, type ModelOutput } from '../sdk/language-model.js';
import { UnreadableAnswerError } from '../refusal.js';
import { StreamedCalls } from './streamed-calls.js';
import { ThinkingReader } from './thinking-reader.js';

/** Assembles an answer of chat completions from the chunks of a stream or from a single body. */
export class ChatAnswer {
  readonly thinking = new ThinkingReader();
  private id = '';
  private hasStarted = false;
  private text = '';
  private reasoning = '';
  private refused = false;
  private readonly calls: StreamedCalls;
  private usage: LanguageModelV3Usage | undefined;
  private finishReason: string | undefined;
  private body: unknown;
  /** The delta that was not emitted yet. */
  private pending: LlmDelta | undefined;

  constructor(private readonly call: Pick<ProviderCall, 'onDelta'>) {
    this.calls = new StreamedCalls((content, tool) => this.emit({ kind: 'call', content, tool }));
  }

  /** Adds a chunk of a stream. @throws the error that a provider sends inside a stream */
  addChunk(text: string): void {
    const chunk = parseObject(text);
    if (isJsonObject(chunk['error']) || typeof chunk['error'] === 'string') throw streamError(chunk);
    this.thinking.read(chunk);
    this.addIdAndUsage(chunk);
    const choice = firstOf(chunk['choices']);
    if (!isJsonObject(choice)) return;
    this.addFinishReason(choice);
    if (isJsonObject(choice['delta'])) this.addMessage(choice['delta']);
  }

  /** Adds an answer that was not streamed. */
  addBody(text: string): void {
    const body = parseObject(text);
    if (!Array.isArray(body['choices'])) throw new UnreadableAnswerError(text);
    const choice = firstOf(body['choices']);
    if (choice === undefined) throw new EmptyAnswerError('Response did not contain any choices.');
    if (!isJsonObject(choice) || !isJsonObject(choice['message'])) throw new UnreadableAnswerError(text);
    this.body = body;
    this.thinking.read(body);
    this.addIdAndUsage(body);
    this.addFinishReason(choice);
    this.addMessage(choice['message']);
    if (this.finishReason === undefined && this.content.length === 0)
      throw new EmptyAnswerError('The answer has neither content nor a reason for its end.');
  }

  /** The complete answer. @throws EmptyAnswerError, FilteredAnswerError */
  finish(): Omit<ModelOutput, 'headers'> {
    this.flush();
    // Without a finish reason the stream was cut off, and half an answer is not an answer.
    if (this.finishReason === undefined && this.body === undefined)
      throw new EmptyAnswerError('The stream ended before the answer was complete.');
    const { id, usage, body, content } = this;
    const isFiltered =
      this.finishReason === 'content_filter' || (this.finishReason === 'stop' && this.refused);
    if (isFiltered && content.every(({ type }) => type === 'reasoning'))
      throw new FilteredAnswerError(`The content filter blocked the answer (${this.finishReason}).`);
    return { id, content, usage, body, finishReason: this.finishReason };
  }

  private get content(): LanguageModelV3Content[] {
    return [
      ...(this.reasoning === '' ? [] : [{ type: 'reasoning' as const, text: this.reasoning }]),
      ...(this.text === '' ? [] : [{ type: 'text' as const, text: this.text }]),
      ...this.calls.finish(),
    ];
  }

  /** Adds id and usage. The id of the first chunk counts. */
  private addIdAndUsage({ id, usage }: JsonObject): void {
    if (!this.hasStarted && typeof id === 'string') this.id = id;
    this.hasStarted = true;
    if (isJsonObject(usage)) this.usage = readUsage(usage);
  }

  private addFinishReason({ finish_reason: reason }: JsonObject): void {
    if (typeof reason === 'string') this.finishReason = reason;
  }

  private addMessage({ content, reasoning, reasoning_content, refusal, tool_calls }: JsonObject): void {
    this.addReasoning(reasoning_content ?? reasoning);
    if (Array.isArray(content)) for (const part of content) this.addPart(part);
    else this.addText(content);
    if (typeof refusal === 'string' && refusal !== '') {
      this.refused = true;
      this.addText(refusal);
    }
    if (Array.isArray(tool_calls)) for (const call of tool_calls) this.calls.add(call);
  }

  /** Mistral sends thinking as a content part. */
  private addPart(part: unknown): void {
    if (!isJsonObject(part)) return;
    if (part['type'] === 'text') this.addText(part['text']);
    if (part['type'] !== 'thinking' || !Array.isArray(part['thinking'])) return;
    for (const piece of part['thinking']) if (isJsonObject(piece)) this.addReasoning(piece['text']);
  }

  private addReasoning(piece: unknown): void {
    if (typeof piece !== 'string' || piece === '') return;
    this.reasoning += piece;
    this.emit({ kind: 'reasoning', content: piece });
  }

  private addText(piece: unknown): void {
    if (typeof piece !== 'string' || piece === '') return;
    this.text += piece;
    this.emit({ kind: 'text', content: piece });
  }

  /** Emits the pending delta. Pieces that arrive together are emitted as one. */
  flush(): void {
    const { pending } = this;
    this.pending = undefined;
    if (pending) this.call.onDelta(this.id === '' ? pending : { ...pending, responseId: this.id });
  }

  private emit(delta: LlmDelta): void {
    if (this.pending?.kind === delta.kind && this.pending.tool === delta.tool) {
      this.pending.content += delta.content;
      return;
    }
    this.flush();
    this.pending = delta;
  }
}

/** @throws UnreadableAnswerError */
function parseObject(text: string): JsonObject {
  const value = tryParseJson(text);
  if (isJsonObject(value)) return value;
  throw new UnreadableAnswerError(text);
}

/** The error as the provider wrote it, which `classifyFailure` reads. */
function streamError({ error }: JsonObject): unknown {
  return error;
}

function firstOf(value: unknown): unknown {
  const list: unknown[] = Array.isArray(value) ? value : [];
  return list[0];
}

function readUsage(usage: JsonObject): LanguageModelV3Usage {
  const input = usage['prompt_tokens_details'];
  const output = usage['completion_tokens_details'];
  const total = count(usage['prompt_tokens']);
  const cacheRead = count(isJsonObject(input) ? input['cached_tokens'] : 0);
  const completion = count(usage['completion_tokens']);
  const reported = isJsonObject(output) ? output['reasoning_tokens'] : undefined;
  const reasoning = typeof reported === 'number' ? reported : undefined;
  return {
    inputTokens: { total, cacheRead, cacheWrite: undefined, noCache: total - cacheRead },
    outputTokens: { total: completion, reasoning, text: Math.max(0, completion - (reasoning ?? 0)) },
  };
}

function count(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
