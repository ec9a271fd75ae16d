import type { LlmResponse } from '../request/llm-request.js';

/**
 * The failure classes that clients read in `ConversationErrorEvent.code`; names are those of the OpenHands
 * SDK.
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

/** A model could not be called or did not answer. */
export class LlmError extends Error {
  override readonly name = 'LlmError';
  constructor(
    readonly code: LlmErrorCode,
    message: string,
    /** HTTP status of the provider's answer, if there was one. */
    readonly status?: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * A model that writes its calls as text wrote one that cannot be read. It was paid for; the message is for
 * the model.
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
