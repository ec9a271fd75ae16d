import { Logger } from '@nestjs/common';
import { errorMessage } from '../../errors/index.js';
import type { LlmConfig } from '../request/llm-config.js';
import { LlmError, type LlmErrorCode } from '../errors/llm-error.js';
import type { LlmRequest, LlmResponse } from '../request/llm-request.js';

/** Finds the model that a name stands for. */
export type ModelLoader = (name: string) => Promise<LlmConfig>;

/** Another model may answer where these are the end; what is wrong with a request is wrong everywhere. */
const TRANSIENT: ReadonlySet<LlmErrorCode> = new Set([
  'LLMRateLimitError',
  'LLMTimeoutError',
  'LLMServiceUnavailableError',
  'LLMNoResponseError',
  'BadGatewayError',
  'APIError',
]);

/**
 * Asks the models of `fallback_strategy` in their order when the one that was meant does not answer; each
 * call begins anew.
 */
export class FallbackModels {
  private readonly logger = new Logger('Llm');
  /** Set by whoever keeps the profiles. */
  load: ModelLoader | undefined;

  /** @throws what the first model failed with, or the signal's reason */
  async callLogged(
    request: LlmRequest,
    complete: (request: LlmRequest) => Promise<LlmResponse>,
  ): Promise<LlmResponse> {
    try {
      return await complete(request);
    } catch (error) {
      if (!isTransient(error)) throw error;
      for (const name of request.config.fallback_strategy?.fallback_llms ?? []) {
        const answer = await this.tryFallback(name, error, request, complete);
        if (answer) return answer;
      }
      throw error;
    }
  }

  /** The answer counts in the bucket of the model that was meant. Undefined: this one does not help. */
  private async tryFallback(
    name: string,
    error: LlmError,
    request: LlmRequest,
    ask: (request: LlmRequest) => Promise<LlmResponse>,
  ): Promise<LlmResponse | undefined> {
    const { config: meant, conversationId, signal } = request;
    const line = `conversation ${conversationId}: ${meant.usage_id} (${meant.model}) failed with ${error.code}`;
    try {
      if (!this.load) return undefined;
      const other = await this.load(name);
      signal.throwIfAborted();
      this.logger.warn(`${line}; asks '${name}' (${other.model}) instead`);
      // What was streamed of the failed answer is void.
      request.onRetry?.({ attempt: 1, waitSeconds: 0, error });
      const config: LlmConfig = {
        ...other,
        usage_id: meant.usage_id,
        stream: meant.stream,
        log_completions: meant.log_completions,
        fallback_strategy: undefined,
      };
      return { ...(await ask({ ...request, config })), model: config.model };
    } catch (failed) {
      signal.throwIfAborted();
      const reason = failed instanceof LlmError ? failed.code : errorMessage(failed);
      this.logger.warn(`${line}; its fallback '${name}' does not help: ${reason}`);
      return undefined;
    }
  }
}

function isTransient(error: unknown): error is LlmError {
  return error instanceof LlmError && TRANSIENT.has(error.code);
}
