import type { Message, TextContent } from '../events/index.js';
import type { JsonObject } from '../json/index.js';
import type { CompletionListener } from './completion-log.js';
import type { ModelLoader } from './retry/fallback-models.js';
import type { LlmConfig } from './request/llm-config.js';

/** A tool as the model is told of it. */
export interface LlmTool {
  name: string;
  description: string;
  /** JSON schema of the arguments, an object. */
  parameters: JsonObject;
}

/** One request to a model: one step, no tool is executed here. */
export interface LlmRequest {
  config: LlmConfig;
  /** The first message is the system message: block 0 static, block 1 dynamic if there is one. */
  messages: readonly Message[];
  tools: readonly LlmTool[];
  /** Words that end the answer; they are not part of it. */
  stop?: readonly string[];
  /** Sent as the cache key and session id of the request. */
  conversationId: string;
  signal: AbortSignal;
  /** Called for each piece of text or reasoning when the answer is streamed. */
  onDelta?: (delta: LlmDelta) => void;
  /**
   * Called before a further attempt after an error that may pass; what was streamed of the failed one is
   * void.
   */
  onRetry?: (info: RetryInfo) => void;
}

/** A further attempt that is about to be made. */
export interface RetryInfo {
  /** Its number; the first attempt is 1. */
  attempt: number;
  waitSeconds: number;
  /** Why the one before it failed. */
  error: Error;
}

/** A piece of an answer while it is written. */
export interface LlmDelta {
  /** `call`: a piece of the arguments of a tool call, which are JSON. */
  kind: 'text' | 'reasoning' | 'call';
  content: string;
  /** The tool that is called. */
  tool?: string;
  /** The id that the provider gave the answer, once it is known. */
  responseId?: string;
}

/** Tokens of one answer. `prompt_tokens` include cache reads and writes. */
export interface LlmUsage {
  prompt_tokens: number;
  completion_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  reasoning_tokens: number;
  /** The model's known input limit, else 0. */
  context_window: number;
}

/** What the model answered. */
export interface LlmResponse {
  id: string;
  /** Who answered, when it was not the model that was asked. */
  model?: string;
  /** Role assistant: text, tool calls (arguments verbatim), reasoning. */
  message: Omit<Message, 'content'> & { content: TextContent[] };
  usage: LlmUsage;
  /** US dollars; null when the price of the model is not known. */
  cost: number | null;
  /** Seconds of the attempt that succeeded. */
  latency: number;
}

/** The access token of a ChatGPT subscription, renewed if need be. */
export type SubscriptionToken = () => Promise<string | undefined>;

/** Calls models. Errors are `LlmError`s whose `code` is the class name that clients of the original know. */
export abstract class Llm {
  abstract complete(request: LlmRequest): Promise<LlmResponse>;
  /** Whether the model takes images. */
  abstract supportsVision(config: LlmConfig): boolean;
  /**
   * Has somebody told of the calls of a conversation whose config says `log_completions`; one listener a
   * conversation.
   * @returns ends it
   */
  abstract listen(conversationId: string, listener: CompletionListener): () => void;
  /** Tells where the models are that a `fallback_strategy` names. */
  abstract setModelLoader(load: ModelLoader): void;
  /** Tells where the access token of a ChatGPT subscription is: undefined when nobody is signed in. */
  abstract setTokenProvider(token: SubscriptionToken): void;
}
