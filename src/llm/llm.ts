import type { CompletionListener } from './completion-log.js';
import type { FailureListener } from './failed-calls.js';
import type { LlmConfig } from './request/llm-config.js';
import type { LlmRequest, LlmResponse } from './request/llm-request.js';
import type { ModelLoader } from './retry/fallback-models.js';

export type * from './request/llm-request.js';

/**
 * Returns the access token of a ChatGPT subscription, renewed if needed; undefined if nobody is signed in.
 */
export type SubscriptionToken = () => Promise<string | undefined>;

/** Refuses a model to a conversation. @throws LlmError */
export type ModelGuard = (config: LlmConfig, conversationId: string) => Promise<void>;

/** Calls models. Errors are `LlmError`s whose `code` is a class name known to clients of the original. */
export abstract class Llm {
  abstract complete(request: LlmRequest): Promise<LlmResponse>;
  /** Whether the model accepts images. */
  abstract supportsVision(config: LlmConfig): boolean;
  /**
   * Listens to the logs of a conversation's calls whose config sets `log_completions`; one listener per
   * conversation.
   * @returns a function that removes the listener
   */
  abstract listen(conversationId: string, listener: CompletionListener): () => void;
  /**
   * Tells each call of a conversation that failed after all attempts; one listener per conversation. A call
   * for which another model answered is among them.
   * @returns a function that removes the listener
   */
  abstract listenToFailures(conversationId: string, listener: FailureListener): () => void;
  /** Sets the loader for the models of a `fallback_strategy`. */
  abstract setModelLoader(load: ModelLoader): void;
  /** Sets what decides, before each call, whether a conversation may use a model. */
  abstract setModelGuard(guard: ModelGuard): void;
  /** Sets the source of the access token of a ChatGPT subscription. */
  abstract setTokenProvider(token: SubscriptionToken): void;
}
