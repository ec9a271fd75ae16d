import type { LlmDelta, LlmRequest, LlmResponse, LlmUsage } from '../request/llm-request.js';
import type { CallIdForm } from '../protocols/call-ids.js';
import type { ModelFeatures } from '../catalogue/feature-types.js';

/** One attempt to get one answer. */
export interface ProviderCall {
  request: LlmRequest;
  /** The prefix of the model name; one provider object may serve several. */
  provider: string;
  /** The model as the provider itself calls it. */
  model: string;
  features: ModelFeatures;
  /** From 1. */
  attempt: number;
  /** Aborted by the caller or when the attempt's time is over. */
  signal: AbortSignal;
  /** A piece of the answer; who asked hears of it when a stream was asked for. */
  onDelta(delta: LlmDelta): void;
  /** The access token of a subscription; undefined: nobody is signed in. */
  subscriptionToken(): Promise<string | undefined>;
  /** Something came from the provider, shown or not: the idle clock starts anew. */
  onProgress(): void;
}

/** What came back, in our terms. */
export interface ProviderAnswer {
  id: string;
  message: LlmResponse['message'];
  usage: Omit<LlmUsage, 'context_window'>;
  headers?: Record<string, string>;
}

/** A way to reach models. Throws what its client library throws; the mapping is done by the caller. */
export interface Provider {
  /** How LiteLLM calls its errors, which error texts begin with: `OpenAIException`. */
  errorFamily: string;
  /** The ids of tool calls that it takes; the default is what chat completions take. */
  callIds?: CallIdForm;
  call(call: ProviderCall): Promise<ProviderAnswer>;
}
