import { yieldForChunk } from '../../flow/index.js';
import { LlmError } from '../errors/llm-error.js';

const MIB = 1024 * 1024;
/**
 * No model says so much in a stream: some take 350 bytes for each token, so this is room for 190,000 of them.
 */
const MAX_STREAM = 64 * MIB;
/** One event of a stream; the largest that there are bring pictures, or repeat the whole answer. */
const MAX_LINE = 8 * MIB;
/** An answer that is not streamed, and the text of one that is, which is kept until its end. */
const MAX_BODY = 16 * MIB;
/**
 * Working on so much takes up to some milliseconds; of a model that people wait for come some hundred bytes
 * at a time.
 */
const LARGE = 16 * 1024;
const LINE_END = 0x0a;

/** Watches over the size of an answer: memory must not fill with it. */
export class AnswerBound {
  private readonly inLines: boolean;
  private readonly most: number;
  private length = 0;
  private line = 0;

  /** @param type the content type of the answer */
  constructor(type: string) {
    this.inLines = /event-stream|ndjson/.test(type) && !type.includes('amazon');
    this.most = /stream|ndjson/.test(type) ? MAX_STREAM : MAX_BODY;
  }

  /** @throws LlmError as soon as the answer has no measure */
  take(chunk: Uint8Array): void {
    this.length += chunk.length;
    const end = this.inLines ? chunk.lastIndexOf(LINE_END) : -1;
    this.line = end === -1 ? this.line + chunk.length : chunk.length - end - 1;
    if (this.length > this.most) throw tooLong(this.most, 'as one answer');
    if (this.inLines && this.line > MAX_LINE) throw tooLong(MAX_LINE, 'as one line of a stream');
  }
}

/**
 * Resolves when a piece of an answer may be worked on. Large ones wait for a turn of their own: an endpoint
 * that sends faster than it is read has megabytes ready, and they would all be worked on in one turn.
 */
export async function turnFor(chunk: Uint8Array): Promise<void> {
  if (chunk.length >= LARGE) await yieldForChunk();
}

/**
 * Watches over what a model says in a stream, in characters: little of its bytes may be text, or nearly all
 * of them.
 */
export class TextBound {
  private length = 0;

  /** @throws LlmError as soon as it is more than an answer can be */
  take(text: string): void {
    this.length += text.length;
    if (this.length > MAX_BODY) throw tooLong(MAX_BODY, 'of text in one answer');
  }
}

/** The response of a provider, which ends with an `LlmError` where it has no measure. */
export function boundedAnswer(response: Response): Response {
  if (!response.body) return response;
  const { status, statusText, headers } = response;
  const bound = new AnswerBound(headers.get('content-type') ?? '');
  const bounded = new TransformStream<Uint8Array, Uint8Array>({
    async transform(chunk, controller) {
      bound.take(chunk);
      await turnFor(chunk);
      controller.enqueue(chunk);
    },
  });
  return new Response(response.body.pipeThrough(bounded), { status, statusText, headers });
}

/** Tool calls of one answer: far more than any model asks for at a time. */
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
