import { yieldForChunk } from '../../flow/index.js';
import { LlmError } from '../errors/llm-error.js';

const MIB = 1024 * 1024;
/** Limit for a streamed answer. Some providers send 350 bytes per token, so this allows 190,000 tokens. */
const MAX_STREAM_BYTES = 64 * MIB;
/** Limit for one event of a stream. The largest ones carry images or repeat the whole answer. */
const MAX_LINE_BYTES = 8 * MIB;
/** Limit for an answer that is not streamed, and for the text of one that is, which is kept until its end. */
const MAX_BODY_BYTES = 16 * MIB;
/**
 * Chunks from this size on take up to some milliseconds to process. Streams of models usually arrive in
 * chunks of some hundred bytes.
 */
const LARGE_CHUNK_BYTES = 16 * 1024;
const LINE_END = 0x0a;

/** Limits the size of an answer, so that it cannot fill the memory. */
export class AnswerSizeLimit {
  private readonly inLines: boolean;
  private readonly maxBytes: number;
  private length = 0;
  private line = 0;

  /** @param type content type of the answer */
  constructor(type: string) {
    this.inLines = /event-stream|ndjson/.test(type) && !type.includes('amazon');
    this.maxBytes = /stream|ndjson/.test(type) ? MAX_STREAM_BYTES : MAX_BODY_BYTES;
  }

  /** @throws LlmError as soon as the answer exceeds a limit */
  add(chunk: Uint8Array): void {
    this.length += chunk.length;
    const end = this.inLines ? chunk.lastIndexOf(LINE_END) : -1;
    this.line = end === -1 ? this.line + chunk.length : chunk.length - end - 1;
    if (this.length > this.maxBytes) throw tooLong(this.maxBytes, 'as one answer');
    if (this.inLines && this.line > MAX_LINE_BYTES) throw tooLong(MAX_LINE_BYTES, 'as one line of a stream');
  }
}

/**
 * Resolves when a chunk of an answer may be processed. Large chunks get a turn of the event loop each: an
 * endpoint that sends faster than it is read would otherwise have megabytes processed in one turn.
 */
export async function yieldForLargeChunk(chunk: Uint8Array): Promise<void> {
  if (chunk.length >= LARGE_CHUNK_BYTES) await yieldForChunk();
}

/** Limits the text of a streamed answer in characters. Its share of the bytes may be small or nearly all. */
export class TextLimit {
  private length = 0;

  /** @throws LlmError as soon as the text exceeds the limit */
  add(text: string): void {
    this.length += text.length;
    if (this.length > MAX_BODY_BYTES) throw tooLong(MAX_BODY_BYTES, 'of text in one answer');
  }
}

/** Wraps a response so that its body fails with an `LlmError` if it exceeds a limit. */
export function limitAnswer(response: Response): Response {
  if (!response.body) return response;
  const { status, statusText, headers } = response;
  const bound = new AnswerSizeLimit(headers.get('content-type') ?? '');
  const bounded = new TransformStream<Uint8Array, Uint8Array>({
    async transform(chunk, controller) {
      bound.add(chunk);
      await yieldForLargeChunk(chunk);
      controller.enqueue(chunk);
    },
  });
  return new Response(response.body.pipeThrough(bounded), { status, statusText, headers });
}

/** Limit for the tool calls of one answer, far more than any model makes at a time. */
export const MAX_CALLS = 512;

/** The error for an answer with more than `MAX_CALLS`. */
export function tooManyCalls(): LlmError {
  return new LlmError(
    'LLMServiceUnavailableError',
    `The LLM endpoint sent more than ${MAX_CALLS} tool calls in one answer.`,
  );
}

function tooLong(bytes: number, what: string): LlmError {
  return new LlmError(
    'LLMServiceUnavailableError',
    `The LLM endpoint sent more than ${bytes / MIB} MiB ${what}. ` +
      'Check the reverse proxy or model server configuration.',
  );
}
