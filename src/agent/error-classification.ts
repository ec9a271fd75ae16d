import type { ErrorClassification } from '../events/index.js';

const AUTH: ErrorClassification = { kind: 'auth', retryable: false, user_action: 'settings' };
const QUOTA: ErrorClassification = { kind: 'quota', retryable: false, user_action: 'settings' };
const RATE_LIMIT: ErrorClassification = { kind: 'rate_limit', retryable: true, user_action: 'retry' };
const CONFIG: ErrorClassification = { kind: 'config', retryable: false, user_action: 'settings' };
const TRANSIENT: ErrorClassification = { kind: 'transient', retryable: true, user_action: 'retry' };
const FINAL: ErrorClassification = { kind: 'agent_action', retryable: false, user_action: 'none' };
const INTERNAL: ErrorClassification = { kind: 'internal', retryable: false, user_action: 'none' };
const UNKNOWN: ErrorClassification = { kind: 'unknown', retryable: false, user_action: 'none' };

/** A mistake of the agent that it can correct. */
export const AGENT_MISTAKE: ErrorClassification = {
  kind: 'agent_action',
  retryable: true,
  user_action: 'retry',
};

/** A fault of the tool itself. */
export const TOOL_FAULT: ErrorClassification = INTERNAL;

/** Codes with a definite meaning. */
const BY_CODE = toMap({
  LLMAuthenticationError: AUTH,
  ACPAuthRequired: AUTH,
  ACPInitError: CONFIG,
  ACPSpawnError: CONFIG,
  ACPPromptError: CONFIG,
  ACPStartupTimeout: UNKNOWN,
  LLMRateLimitError: RATE_LIMIT,
  MaxBudgetReached: QUOTA,
  LLMBadRequestError: CONFIG,
  NotFoundError: CONFIG,
  LLMContextWindowExceedError: AGENT_MISTAKE,
  LLMMalformedConversationHistoryError: AGENT_MISTAKE,
  MaxIterationsReached: FINAL,
  ConversationOwnershipLostError: FINAL,
  ServerRestarted: TRANSIENT,
  StorageFailedError: TRANSIENT,
  TypeError: INTERNAL,
  ReferenceError: INTERNAL,
  RangeError: INTERNAL,
});

/** Patterns in the error text, in order of precedence. */
const BY_TEXT: readonly [RegExp, ErrorClassification][] = [
  [/api key|unauthori[sz]ed|authentication/i, AUTH],
  [/quota|usage limit|insufficient (funds|credits|balance)|billing/i, QUOTA],
  [/rate limit|\b429\b|too many requests/i, RATE_LIMIT],
  [/model (was )?not found|unknown model|does not exist/i, CONFIG],
  [/time[d ]?[- ]?out|connection|network|temporarily/i, TRANSIENT],
];

/** Generic codes: used when no pattern matches. */
const GENERIC = toMap({
  LLMServiceUnavailableError: TRANSIENT,
  LLMTimeoutError: TRANSIENT,
  LLMNoResponseError: TRANSIENT,
  APIError: TRANSIENT,
});

/** Classifies the error of a failed run for the user. The rules were recorded from the original (1.58). */
export function classifyError(code: string, detail: string): ErrorClassification {
  return (
    BY_CODE.get(code) ??
    BY_TEXT.find(([pattern]) => pattern.test(detail))?.[1] ??
    GENERIC.get(code) ??
    UNKNOWN
  );
}

/** A map, because a code may be the name of any thrown error: an object would find `constructor`. */
function toMap(
  classifications: Record<string, ErrorClassification>,
): ReadonlyMap<string, ErrorClassification> {
  return new Map(Object.entries(classifications));
}
