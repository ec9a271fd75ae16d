/** The failure classes that clients read in `ConversationErrorEvent.code`; names are those of the OpenHands SDK. */
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
