import { performance } from 'node:perf_hooks';
import { errorName } from '../errors/index.js';
import { LlmError } from './errors/llm-error.js';
import type { LlmRequest, LlmResponse } from './request/llm-request.js';

/** What a call that its caller has ended is recorded with in the place of the class of an error. */
const INTERRUPTED = 'Interrupted';

/** A call without an answer: it failed after all attempts, or was interrupted. */
export interface FailedCall {
  usageId: string;
  model: string;
  /** The class of the error; `Interrupted`. */
  error: string;
  /** Seconds of all attempts and of the waits between them. */
  latency: number;
}

/** Is told a conversation's calls without an answer, before the caller has the error. Must not throw. */
export type FailureListener = (call: FailedCall) => void;

/** Tells conversations their calls without an answer, so that each is counted in one place. */
export class FailedCalls {
  private readonly listeners = new Map<string, FailureListener>();

  /** @returns a function that removes the listener */
  listen(conversationId: string, listener: FailureListener): () => void {
    this.listeners.set(conversationId, listener);
    return () => {
      if (this.listeners.get(conversationId) === listener) this.listeners.delete(conversationId);
    };
  }

  /** Makes a call. One that its caller has interrupted counts, too: providers may bill it. */
  async watch(request: LlmRequest, call: () => Promise<LlmResponse>): Promise<LlmResponse> {
    const { config, conversationId, signal } = request;
    // Nothing is sent to the provider.
    if (request.signal.aborted) return call();
    const started = performance.now();
    try {
      return await call();
    } catch (error) {
      const isInterrupted = signal.aborted;
      this.listeners.get(conversationId)?.({
        usageId: config.usage_id,
        model: config.model,
        error: isInterrupted ? INTERRUPTED : error instanceof LlmError ? error.code : errorName(error),
        latency: (performance.now() - started) / 1000,
      });
      throw error;
    }
  }
}
