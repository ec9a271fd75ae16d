import type { LlmDelta, LlmRequest, LlmResponse, LlmUsage } from '../request/llm-request.js';
import type { CallIdForm } from '../protocols/call-ids.js';
import type { ModelFeatures } from '../catalogue/feature-types.js';

/** One attempt of a model call. */
export interface ProviderCall {
  request: LlmRequest;
  /** The prefix of the model name; several prefixes may share a provider. */
  provider: string;
  /** The provider's own name of the model. */
  model: string;
  features: ModelFeatures;
  /** From 1. */
  attempt: number;
  /** Aborted by the caller, or when the time of the attempt is over. */
  signal: AbortSignal;
  /** Reports a piece of the answer. The caller receives it only if it requested a stream. */
  onDelta(delta: LlmDelta): void;
  /** Returns the access token of a subscription; undefined if nobody is signed in. */
  subscriptionToken(): Promise<string | undefined>;
  /** Reports that the provider sent something. Restarts the idle time. */
  onProgress(): void;
}

/** The answer of a provider in our form. */
export interface ProviderAnswer {
  id: string;
  message: LlmResponse['message'];
  usage: Omit<LlmUsage, 'context_window'>;
  headers?: Record<string, string>;
  /** Why the answer ends, in the provider's words. */
  finishReason?: string;
}

/** A way to call models. Throws what its client library throws; the caller translates errors. */
export interface Provider {
  /** LiteLLM's name of its errors, with which error texts begin: `OpenAIException`. */
  errorFamily: string;
  /** The tool call ids that it accepts; the default is that of chat completions. */
  callIds?: CallIdForm;
  call(call: ProviderCall): Promise<ProviderAnswer>;
}
