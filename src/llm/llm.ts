import type { CompletionListener } from './completion-log.js';
import type { LlmConfig } from './request/llm-config.js';
import type { LlmRequest, LlmResponse } from './request/llm-request.js';
import type { ModelLoader } from './retry/fallback-models.js';

export type * from './request/llm-request.js';

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
