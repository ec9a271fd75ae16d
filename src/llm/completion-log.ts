import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { errorMessage } from '../errors/index.js';
import type { Message } from '../events/index.js';
import type { JsonObject } from '../json/index.js';
import { LlmError } from './errors/llm-error.js';
import type { LlmRequest, LlmResponse } from './request/llm-request.js';
import { chatMessages } from './protocols/chat/chat-messages.js';

/** A model call, logged for debugging (`log_completions`). */
interface CompletionLog {
  /** The file name that the original would use. */
  filename: string;
  model: string;
  usageId: string;
  /** Request and answer in the form of chat completions, for every protocol. */
  data: JsonObject;
}

/** Receives the logs of calls while a conversation is open. */
export type CompletionListener = (log: CompletionLog) => void;

/** Limit for the messages in one log: each call repeats them. */
const MAX_MESSAGE_CHARACTERS = 512 * 1024;
const DIALECT = { cacheMarks: false, echoReasoning: true, echoThinking: false, plainStrings: false };

/** Listeners for logs of model calls, by conversation. */
export class CompletionLogs {
  private readonly listeners = new Map<string, CompletionListener>();

  /** @returns a function that removes the listener */
  listen(conversationId: string, listener: CompletionListener): () => void {
    this.listeners.set(conversationId, listener);
    return () => {
      if (this.listeners.get(conversationId) === listener) this.listeners.delete(conversationId);
    };
  }

  /** Makes a call and logs it if the config says so. Aborted calls are not logged. */
  async record(request: LlmRequest, call: () => Promise<LlmResponse>): Promise<LlmResponse> {
    const listener = this.listeners.get(request.conversationId);
    if (!request.config.log_completions || listener === undefined) return call();
    const started = performance.now();
    const seconds = () => (performance.now() - started) / 1000;
    try {
      const response = await call();
      listener(createLog(request, '', { ...answerFields(response), latency_sec: seconds() }));
      return response;
    } catch (error) {
      if (!request.signal.aborted)
        listener(createLog(request, '-error', { ...errorFields(error), latency_sec: seconds() }));
      throw error;
    }
  }
}

function createLog(
  { config, messages, tools, stop }: LlmRequest,
  ending: string,
  outcome: JsonObject,
): CompletionLog {
  const { model, usage_id: usageId } = config;
  const now = Date.now() / 1000;
  const mark = randomBytes(2).toString('hex');
  return {
    filename: `${model.replaceAll('/', '__')}-${now.toFixed(3)}-${mark}${ending}.json`,
    model,
    usageId,
    data: {
      messages: boundedMessages(messages),
      tools: tools.map((described) => ({ type: 'function', function: described })),
      kwargs: {
        stream: config.stream || undefined,
        reasoning_effort: config.reasoning_effort ?? undefined,
        temperature: config.temperature ?? undefined,
        top_p: config.top_p ?? undefined,
        top_k: config.top_k ?? undefined,
        seed: config.seed ?? undefined,
        max_output_tokens: config.max_output_tokens ?? undefined,
        stop,
        extra_body: config.litellm_extra_body,
        // The values may be keys.
        extra_headers: Object.keys(config.extra_headers ?? {}),
      },
      ...outcome,
      timestamp: now,
    },
  };
}

function answerFields({ id, message, usage, cost }: LlmResponse): JsonObject {
  const { context_window, ...usage_summary } = usage;
  const [said] = chatMessages([{ ...message }], DIALECT);
  return {
    context_window,
    response: { id, choices: [{ index: 0, message: said }], usage: usage_summary },
    cost: cost ?? 0,
    usage_summary,
  };
}

function errorFields(error: unknown): JsonObject {
  const type = error instanceof LlmError ? error.code : 'Error';
  return { error: { type, message: errorMessage(error) }, cost: 0 };
}

/**
 * Messages in the form of chat completions. Images are replaced by their size; of a dialogue over the limit
 * only the first and the last messages are kept.
 */
function boundedMessages(messages: readonly Message[]): JsonObject[] {
  const shown = chatMessages(messages.map(withoutImageData), DIALECT);
  const sizes = shown.map((message) => JSON.stringify(message).length);
  let room = MAX_MESSAGE_CHARACTERS - (sizes[0] ?? 0);
  let from = shown.length;
  while (from > 1 && room >= (sizes[from - 1] ?? 0)) room -= sizes[--from] ?? 0;
  if (from <= 1) return shown;
  return [...shown.slice(0, 1), { left_out: from - 1 }, ...shown.slice(from)];
}

function withoutImageData(message: Message): Message {
  const content = message.content.map((block) =>
    block.type === 'text'
      ? block
      : {
          ...block,
          image_urls: block.image_urls.map((url) =>
            url.startsWith('data:') ? `<${url.length} characters>` : url,
          ),
        },
  );
  return { ...message, content };
}
