import { setTimeout as sleep } from 'node:timers/promises';
import type { LlmConfig } from '../request/llm-config.js';
import type { FailedAttempt } from '../errors/llm-failure.js';
import type { RetryInfo } from '../request/llm-request.js';

/** The fields of the config that control retries. */
type RetryPolicy = Pick<LlmConfig, 'num_retries' | 'retry_multiplier' | 'retry_min_wait' | 'retry_max_wait'>;

/**
 * Seconds to wait after the n-th attempt: the wait that the provider requested, otherwise the multiplier
 * doubled each time, within the bounds.
 */
function retryWait(policy: RetryPolicy, attempt: number, wanted?: number): number {
  const wait = wanted ?? policy.retry_multiplier * 2 ** (attempt - 1);
  return Math.max(policy.retry_min_wait, Math.min(wait, policy.retry_max_wait), 0);
}

/** An operation with retries. */
interface Attempting<T> {
  policy: RetryPolicy;
  /** Aborts an attempt or a wait. */
  signal: AbortSignal;
  /** @param attempt from 1 */
  run(attempt: number): Promise<T>;
  classify(error: unknown): FailedAttempt;
  onRetry?(info: RetryInfo): void;
}

/**
 * Retries until an attempt succeeds, fails permanently, or `num_retries` attempts were made (including the
 * first; 0 counts as 1).
 * @throws the last `LlmError`, or the signal's reason once it is aborted
 */
export async function withAttempts<T>(attempting: Attempting<T>): Promise<T> {
  const { policy, signal } = attempting;
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      return await attempting.run(attempt);
    } catch (thrown) {
      signal.throwIfAborted();
      const { error, retryable, retryAfter } = attempting.classify(thrown);
      if (!retryable || attempt >= policy.num_retries) throw error;
      const waitSeconds = retryWait(policy, attempt, retryAfter);
      attempting.onRetry?.({ attempt: attempt + 1, waitSeconds, error });
      await pause(waitSeconds, signal);
    }
  }
}

/** Waits. Rejects with the signal's reason as soon as it is aborted. */
export async function pause(seconds: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(seconds * 1000, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
