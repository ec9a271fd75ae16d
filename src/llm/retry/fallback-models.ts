import { Logger } from '@nestjs/common';
import { errorMessage } from '../../errors/index.js';
import type { LlmConfig } from '../request/llm-config.js';
import { LlmError, type LlmErrorCode } from '../errors/llm-error.js';
import type { LlmRequest, LlmResponse } from '../request/llm-request.js';

/** Loads the config of a named model. */
export type ModelLoader = (name: string) => Promise<LlmConfig>;

/** Errors for which another model is tried. An invalid request would be invalid for every model. */
const TRANSIENT: ReadonlySet<LlmErrorCode> = new Set([
  'LLMRateLimitError',
  'LLMTimeoutError',
  'LLMServiceUnavailableError',
  'LLMNoResponseError',
  'BadGatewayError',
  'APIError',
]);

/**
 * Tries the models of `fallback_strategy` in order if the requested model fails. Each call starts with the
 * requested model.
 */
export class FallbackModels {
  private readonly logger = new Logger('Llm');
  /** Set by the owner of the profiles. */
  load: ModelLoader | undefined;

  /** @throws the error of the requested model, or the signal's reason */
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

  /** The answer is counted under the usage id of the requested model. Undefined if the fallback fails. */
  private async tryFallback(
    name: string,
    error: LlmError,
    request: LlmRequest,
    ask: (request: LlmRequest) => Promise<LlmResponse>,
  ): Promise<LlmResponse | undefined> {
    const { config: requested, conversationId, signal } = request;
    const line = `conversation ${conversationId}: ${requested.usage_id} (${requested.model}) failed with ${error.code}`;
    try {
      if (!this.load) return undefined;
      const other = await this.load(name);
      signal.throwIfAborted();
      this.logger.warn(`${line}; trying '${name}' (${other.model}) instead`);
      // What the failed attempt streamed is void.
      request.onRetry?.({ attempt: 1, waitSeconds: 0, error });
      const config: LlmConfig = {
        ...other,
        usage_id: requested.usage_id,
        stream: requested.stream,
        log_completions: requested.log_completions,
        fallback_strategy: undefined,
      };
      return { ...(await ask({ ...request, config })), model: config.model };
    } catch (failed) {
      signal.throwIfAborted();
      const reason = failed instanceof LlmError ? failed.code : errorMessage(failed);
      this.logger.warn(`${line}; its fallback '${name}' failed too: ${reason}`);
      return undefined;
    }
  }
}

function isTransient(error: unknown): error is LlmError {
  return error instanceof LlmError && TRANSIENT.has(error.code);
}
