import { performance } from 'node:perf_hooks';
import { errorName } from '../errors/index.js';
import { LlmError } from './errors/llm-error.js';
import type { LlmRequest, LlmResponse } from './request/llm-request.js';

/** A call that failed after all attempts. */
export interface FailedCall {
  usageId: string;
  model: string;
  /** The class of the error. */
  error: string;
  /** Seconds of all attempts and of the waits between them. */
  latency: number;
}

/** Is told the failed calls of a conversation, before the caller has the error. Must not throw. */
export type FailureListener = (call: FailedCall) => void;

/** Tells conversations their failed calls, so that each is counted in one place. */
export class FailedCalls {
  private readonly listeners = new Map<string, FailureListener>();

  /** @returns a function that removes the listener */
  listen(conversationId: string, listener: FailureListener): () => void {
    this.listeners.set(conversationId, listener);
    return () => {
      if (this.listeners.get(conversationId) === listener) this.listeners.delete(conversationId);
    };
  }

  /** Makes a call. What its caller has aborted is no failure. */
  async watch(
    { config, conversationId, signal }: LlmRequest,
    call: () => Promise<LlmResponse>,
  ): Promise<LlmResponse> {
    const started = performance.now();
    try {
      return await call();
    } catch (error) {
      if (!signal.aborted)
        this.listeners.get(conversationId)?.({
          usageId: config.usage_id,
          model: config.model,
          error: error instanceof LlmError ? error.code : errorName(error),
          latency: (performance.now() - started) / 1000,
        });
      throw error;
    }
  }
}
