import type {
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3Content,
  LanguageModelV3FinishReason,
  LanguageModelV3Usage,
} from '@ai-sdk/provider';
import type { ProviderAnswer, ProviderCall } from '../../providers/provider.js';

/** The output of a model before it is converted into a message. */
export interface ModelOutput {
  id: string;
  content: LanguageModelV3Content[];
  usage: LanguageModelV3Usage | undefined;
  headers?: Record<string, string>;
  /** The parsed body of an answer that was not streamed. */
  body?: unknown;
  /** Why the answer ends, in the provider's words. */
  finishReason?: string;
}

/** The provider sent an answer without content. */
export class EmptyAnswerError extends Error {
  override readonly name = 'EmptyAnswerError';
}

/** The provider's content filter blocked the whole answer. */
export class FilteredAnswerError extends Error {
  override readonly name = 'HeldBackError';
}

/** Provider-specific reading of a stream. */
interface StreamOptions {
  /** Finds an error in a raw chunk of the stream that the SDK would not report. */
  refusalIn?: (raw: unknown) => Error | undefined;
}

/**
 * Calls a model of the AI SDK for one step, streamed if the config says so, and collects its output. It uses
 * the SDK's lowest level, without loop and retries, which also leaves errors unchanged.
 */
export async function callLanguageModel(
  model: LanguageModelV3,
  options: LanguageModelV3CallOptions,
  call: ProviderCall,
  reading: StreamOptions = {},
): Promise<ModelOutput> {
  const all: LanguageModelV3CallOptions = { ...options, abortSignal: call.signal };
  if (call.request.config.stream) return stream(model, all, call, reading);
  const result = await model.doGenerate(all);
  assertNotFiltered(result.content, result.finishReason);
  if (result.content.length === 0 && lacksReason(result.finishReason))
    throw new EmptyAnswerError('The answer has neither content nor a reason for its end.');
  return {
    id: result.response?.id ?? '',
    content: result.content,
    usage: result.usage,
    headers: result.response?.headers,
    body: result.response?.body,
    finishReason: reasonText(result.finishReason),
  };
}

async function stream(
  model: LanguageModelV3,
  options: LanguageModelV3CallOptions,
  call: ProviderCall,
  { refusalIn }: StreamOptions,
): Promise<ModelOutput> {
  const result = await model.doStream({ ...options, includeRawChunks: refusalIn !== undefined });
  call.onProgress();
  const output: ModelOutput = { id: '', content: [], usage: undefined, headers: result.response?.headers };
  const gathered = new StreamedContent();
  const called = new Map<string, string>();
  let end: LanguageModelV3FinishReason | undefined;
  for await (const part of result.stream) {
    call.onProgress();
    const responseId = output.id !== '' && { responseId: output.id };
    switch (part.type) {
      case 'response-metadata':
        output.id = part.id ?? output.id;
        break;
      case 'text-delta':
        call.onDelta({ kind: 'text', content: part.delta, ...responseId });
        break;
      case 'reasoning-delta':
        // Signatures and encrypted content arrive as deltas without text.
        if (part.delta !== '') call.onDelta({ kind: 'reasoning', content: part.delta, ...responseId });
        break;
      case 'tool-input-start':
        called.set(part.id, part.toolName);
        break;
      case 'tool-input-delta':
        call.onDelta({ kind: 'call', content: part.delta, tool: called.get(part.id), ...responseId });
        break;
      case 'finish':
        end = part.finishReason;
        output.usage = part.usage;
        break;
      case 'error':
        throw part.error;
      case 'raw': {
        const refusal = refusalIn?.(part.rawValue);
        if (refusal) throw refusal;
        break;
      }
      default:
        break;
    }
    gathered.add(part);
  }
  // Without a finish reason the stream was cut off, and half an answer is not an answer.
  if (!end || lacksReason(end))
    throw new EmptyAnswerError('The stream ended before the answer was complete.');
  assertNotFiltered(gathered.content, end);
  output.content = gathered.content;
  output.finishReason = reasonText(end);
  return output;
}

/** Whether the provider omitted the reason for the end of the answer. */
function lacksReason({ unified, raw }: LanguageModelV3FinishReason): boolean {
  return unified === 'other' && raw === undefined;
}

function reasonText({ unified, raw }: LanguageModelV3FinishReason): string {
  return raw ?? unified;
}

/** Content before the filter took effect is an answer. */
function assertNotFiltered(content: LanguageModelV3Content[], end: LanguageModelV3FinishReason): void {
  if (end.unified !== 'content-filter') return;
  const isSaid = content.some(
    (part) => part.type === 'tool-call' || (part.type === 'text' && part.text !== ''),
  );
  if (!isSaid)
    throw new FilteredAnswerError(`The content filter blocked the answer (${end.raw ?? 'filtered'}).`);
}

type StreamPart =
  Awaited<ReturnType<LanguageModelV3['doStream']>>['stream'] extends ReadableStream<infer P> ? P : never;
type TextPart = Extract<LanguageModelV3Content, { type: 'text' | 'reasoning' }>;

/** Assembles the parts of a stream into the content of an answer that was not streamed. */
class StreamedContent {
  readonly content: LanguageModelV3Content[] = [];
  private readonly open = new Map<string, TextPart>();

  add(part: StreamPart): void {
    switch (part.type) {
      case 'text-start':
      case 'reasoning-start': {
        const block: TextPart = { type: part.type === 'text-start' ? 'text' : 'reasoning', text: '' };
        block.providerMetadata = part.providerMetadata;
        this.open.set(`${block.type}:${part.id}`, block);
        this.content.push(block);
        break;
      }
      case 'text-delta':
      case 'reasoning-delta':
      case 'text-end':
      case 'reasoning-end': {
        const block = this.open.get(`${part.type.startsWith('text') ? 'text' : 'reasoning'}:${part.id}`);
        if (!block) break;
        if ('delta' in part) block.text += part.delta;
        block.providerMetadata = mergeMetadata(block.providerMetadata, part.providerMetadata);
        break;
      }
      case 'tool-call':
        this.content.push(part);
        break;
      default:
        // Other parts are not content, or have no place in our messages.
        break;
    }
  }
}

type Metadata = TextPart['providerMetadata'];

/** Signature and item id may arrive with different deltas. Later fields win, none is lost. */
function mergeMetadata(before: Metadata, after: Metadata): Metadata {
  if (!after) return before;
  const merged = { ...before };
  for (const [provider, fields] of Object.entries(after))
    merged[provider] = { ...merged[provider], ...fields };
  return merged;
}

/** Token counts of the wire: `prompt_tokens` includes cache reads and writes. */
export function tokenUsage(usage: LanguageModelV3Usage | undefined): ProviderAnswer['usage'] {
  return {
    prompt_tokens: usage?.inputTokens.total ?? 0,
    completion_tokens: usage?.outputTokens.total ?? 0,
    cache_read_tokens: usage?.inputTokens.cacheRead ?? 0,
    cache_write_tokens: usage?.inputTokens.cacheWrite ?? 0,
    reasoning_tokens: usage?.outputTokens.reasoning ?? 0,
  };
}
