import type { Message, TextContent } from '../../events/index.js';
import type { JsonObject } from '../../json/index.js';
import type { LlmConfig } from './llm-config.js';

/** A tool as described to the model. */
export interface LlmTool {
  name: string;
  description: string;
  /** JSON schema of the arguments, an object. */
  parameters: JsonObject;
}

/** One request to a model. No tool is executed here. */
export interface LlmRequest {
  config: LlmConfig;
  /** The first message is the system message: block 0 is static, block 1 dynamic if present. */
  messages: readonly Message[];
  tools: readonly LlmTool[];
  /** Stop sequences; they are not part of the answer. */
  stop?: readonly string[];
  /** Sent as the cache key and session id of the request. */
  conversationId: string;
  signal: AbortSignal;
  /** Called for each piece of a streamed answer. */
  onDelta?: (delta: LlmDelta) => void;
  /** Called before a retry. What was streamed by the failed attempt is void. */
  onRetry?: (info: RetryInfo) => void;
}

/** A retry that is about to be made. */
export interface RetryInfo {
  /** Number of the attempt; the first one is 1. */
  attempt: number;
  waitSeconds: number;
  /** The error of the previous attempt. */
  error: Error;
}

/** A piece of a streamed answer. */
export interface LlmDelta {
  /** `call`: a piece of the JSON arguments of a tool call. */
  kind: 'text' | 'reasoning' | 'call';
  content: string;
  /** The name of the called tool. */
  tool?: string;
  /** The provider's id of the answer, once known. */
  responseId?: string;
}

/** Token counts of one answer. `prompt_tokens` includes cache reads and writes. */
export interface LlmUsage {
  prompt_tokens: number;
  completion_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  reasoning_tokens: number;
  /** The model's known input limit, else 0. */
  context_window: number;
}

/** The answer of a model. */
export interface LlmResponse {
  id: string;
  /** The model that answered, if it is not the requested one. */
  model?: string;
  /** Role assistant: text, tool calls (arguments verbatim) and reasoning. */
  message: Omit<Message, 'content'> & { content: TextContent[] };
  usage: LlmUsage;
  /** US dollars; null if the price of the model is unknown. */
  cost: number | null;
  /** Duration of the successful attempt in seconds. */
  latency: number;
  /** Why the answer ends, in the provider's words, if known. */
  finishReason?: string;
}
