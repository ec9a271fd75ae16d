import type { LlmResponse } from '../request/llm-request.js';

/**
 * The error classes that clients read in `ConversationErrorEvent.code`, with the names of the OpenHands SDK.
 */
export type LlmErrorCode =
  | 'LLMAuthenticationError'
  | 'LLMRateLimitError'
  | 'LLMTimeoutError'
  | 'LLMServiceUnavailableError'
  | 'LLMBadRequestError'
  | 'LLMContextWindowExceedError'
  | 'LLMContextWindowTooSmallError'
  | 'LLMMalformedConversationHistoryError'
  | 'LLMContentPolicyViolationError'
  | 'LLMNoResponseError'
  | 'FunctionCallFormatError'
  | 'NotFoundError'
  | 'BadGatewayError'
  | 'APIError';

/** A call of a model failed. */
export class LlmError extends Error {
  override readonly name = 'LlmError';
  constructor(
    readonly code: LlmErrorCode,
    message: string,
    /** HTTP status of the provider's response, if there was one. */
    readonly status?: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * A model with prompted tools wrote a tool call that cannot be parsed. The answer was paid for; the message
 * is for the model.
 */
export class CallFormatError extends LlmError {
  constructor(
    message: string,
    readonly response: LlmResponse,
    options?: ErrorOptions,
  ) {
    super('FunctionCallFormatError', message, undefined, options);
  }
}
