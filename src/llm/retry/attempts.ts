import { setTimeout as sleep } from 'node:timers/promises';
import type { LlmConfig } from '../request/llm-config.js';
import type { FailedAttempt } from '../errors/llm-failure.js';
import type { RetryInfo } from '../request/llm-request.js';

/** The fields of the config that say how often and how patiently to try. */
export type RetryPolicy = Pick<
  LlmConfig,
  'num_retries' | 'retry_multiplier' | 'retry_min_wait' | 'retry_max_wait'
>;

/**
 * Seconds to wait after the n-th attempt: as long as the provider asked for, else the multiplier doubled each
 * time; kept between the bounds.
 */
function retryWait(policy: RetryPolicy, attempt: number, wanted?: number): number {
  const wait = wanted ?? policy.retry_multiplier * 2 ** (attempt - 1);
  return Math.max(policy.retry_min_wait, Math.min(wait, policy.retry_max_wait), 0);
}

/** One try, and how to read what it threw. */
export interface Attempting<T> {
  policy: RetryPolicy;
  /** Ends an attempt and a wait at once. */
  signal: AbortSignal;
  /** @param attempt from 1 */
  run(attempt: number): Promise<T>;
  classify(error: unknown): FailedAttempt;
  onRetry?(info: RetryInfo): void;
}

/**
 * Tries until an attempt succeeds, fails for good, or `num_retries` attempts are used up (it counts all, 0 is
 * one).
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

/** Waits; rejects with the signal's reason as soon as it is aborted. */
export async function pause(seconds: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(seconds * 1000, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
