import type { Message, TextContent } from '../../events/index.js';
import type { JsonObject } from '../../json/index.js';
import type { LlmConfig } from './llm-config.js';

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
