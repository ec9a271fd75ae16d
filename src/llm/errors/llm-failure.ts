import { LlmError, type LlmErrorCode } from './llm-error.js';

/** The failure of an attempt, before it is translated into an `LlmError`. */
export interface ProviderFailure {
  kind: 'status' | 'connection' | 'timeout' | 'no-response' | 'unreadable';
  status?: number;
  message: string;
  /** Machine-readable code of the provider (`insufficient_quota`, `content_filter`), if any. */
  code?: string;
  /** Seconds to wait before a retry, as requested by the provider. */
  retryAfter?: number;
  /** For rate limits: the quota is used up and a retry does not help. */
  spent?: boolean;
}

/** A failed attempt as an `LlmError`, and whether a retry may help. */
export interface FailedAttempt {
  error: LlmError;
  retryable: boolean;
  /** Seconds to wait before a retry, if the provider requested it. */
  retryAfter?: number;
}

/** The original's sentence. The provider's own message may quote the key. */
const AUTHENTICATION_DETAIL = 'Your LLM API key appears to be invalid or has expired.';

const CONTEXT_WINDOW =
  /prompt is too long|context length exceeded|context_length_exceeded|maximum context length|input exceeds the context window|exceeds? (the )?(available )?context (size|limit)|exceeds the maximum number of tokens allowed|longer than the model's context length|maximum input length is|input tokens exceed the configured limit|`inputs` tokens \+ `max_new_tokens` must be|too many input tokens|current length is .{1,80}while limit is|exceeds? the (model's )?context window|please reduce the length of|input token count .{0,80}exceeds the maximum|input is too long/i;
const MALFORMED_HISTORY =
  /tool_use.{0,40}ids? (were|was) found without|unexpected .{0,3}tool_use_id|tool_result.{0,60}(without|no corresponding|must have)|tool_calls?.{0,40}must be followed by tool messages|no tool (call|output) found for function call|role 'tool' must be a response/i;
const CONTENT_POLICY =
  /content_policy|content_filter|content filtering policy|content management policy|responsibleaipolicy/i;
/** Google answers with 400, AWS with 403. */
const BAD_KEY = /api key not valid|security token included in the request is (invalid|expired)/i;

/**
 * Translates a failure into the error that clients of the original know: the class as `code`, LiteLLM's
 * wording as text. The order of the checks matters: a full context window is also a bad request.
 * @param family LiteLLM's name of the provider's errors: `OpenAIException`
 */
export function failedAttempt(failure: ProviderFailure, family: string): FailedAttempt {
  const { status, message } = failure;
  const said = `${family} - ${message}`;
  const fail = (code: LlmErrorCode, text: string, retryable = false): FailedAttempt => ({
    error: new LlmError(code, text, status),
    retryable,
    ...(failure.retryAfter !== undefined && { retryAfter: failure.retryAfter }),
  });

  if (failure.kind === 'timeout') return fail('LLMTimeoutError', `litellm.Timeout: ${message}`, true);
  if (failure.kind === 'no-response') return fail('LLMNoResponseError', message, true);
  if (failure.kind === 'connection' || failure.kind === 'unreadable' || status === undefined) {
    return fail(
      'LLMServiceUnavailableError',
      `litellm.InternalServerError: InternalServerError: ${said}`,
      true,
    );
  }

  const words = `${failure.code ?? ''} ${message}`;
  if (status < 500 && status !== 429 && CONTEXT_WINDOW.test(words)) {
    const text = `litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: ${said}`;
    return fail('LLMContextWindowExceedError', text);
  }
  if (status < 500 && MALFORMED_HISTORY.test(words)) {
    return fail('LLMMalformedConversationHistoryError', `litellm.BadRequestError: ${said}`);
  }
  if (status === 401 || (status < 404 && BAD_KEY.test(words)))
    return fail('LLMAuthenticationError', AUTHENTICATION_DETAIL);
  if (status === 429) {
    return fail('LLMRateLimitError', `litellm.RateLimitError: RateLimitError: ${said}`, !failure.spent);
  }
  if (status === 408 || status === 504)
    return fail('LLMTimeoutError', `litellm.Timeout: Timeout Error: ${said}`, true);
  if (status === 502)
    return fail('BadGatewayError', `litellm.BadGatewayError: BadGatewayError: ${said}`, true);
  if (status === 503) {
    return fail(
      'LLMServiceUnavailableError',
      `litellm.ServiceUnavailableError: ServiceUnavailableError: ${said}`,
      true,
    );
  }
  // LiteLLM treats Anthropic's overload (529) as an internal error and has no class for 529 of others.
  if (status === 500 || (status === 529 && /overloaded/i.test(words))) {
    return fail(
      'LLMServiceUnavailableError',
      `litellm.InternalServerError: InternalServerError: ${said}`,
      true,
    );
  }
  if (CONTENT_POLICY.test(words)) {
    const text = `litellm.ContentPolicyViolationError: litellm.BadRequestError: ContentPolicyViolationError: ${said}`;
    return fail('LLMContentPolicyViolationError', text);
  }
  if (status === 400 || status === 422) return fail('LLMBadRequestError', `litellm.BadRequestError: ${said}`);
  if (status === 404) return fail('NotFoundError', `litellm.NotFoundError: NotFoundError: ${said}`);
  // LiteLLM has no class for other statuses.
  return fail('APIError', `litellm.APIError: APIError: ${said}`, status > 500 || status === 409);
}
