import { CallFormatError } from '../errors/llm-error.js';
import type { LlmRequest, LlmResponse } from '../request/llm-request.js';
import { CALL_STOP } from './call-text.js';
import { CallTextFilter } from './call-text-filter.js';
import { CallNotationError, promptedAnswer } from './prompted-answer.js';
import { promptedMessages } from './prompted-messages.js';

/** A request with prompted tools, and the function that reads its answer. */
interface PromptedCall {
  request: LlmRequest;
  /** @throws CallFormatError */
  read: (response: LlmResponse) => LlmResponse;
}

/**
 * Converts a request for a model without native tool calls (`native_tool_calling: false`): tools, calls and
 * results become text.
 * @param stopWords whether the model supports stop sequences
 */
export function promptedCall(asked: LlmRequest, stopWords: boolean): PromptedCall {
  const { messages, tools, onDelta } = asked;
  const hidden = onDelta && new CallTextFilter(onDelta);
  const request: LlmRequest = {
    ...asked,
    messages: promptedMessages(messages, tools),
    tools: [],
    ...(stopWords && tools.length > 0 && { stop: [CALL_STOP] }),
    ...(hidden && { onDelta: (delta) => hidden.add(delta) }),
    onRetry: (info) => {
      hidden?.reset();
      asked.onRetry?.(info);
    },
  };
  const read = (response: LlmResponse): LlmResponse => {
    hidden?.end();
    try {
      return { ...response, message: promptedAnswer(response.message, tools, messages) };
    } catch (error) {
      if (!(error instanceof CallNotationError)) throw error;
      throw new CallFormatError(error.message, response, { cause: error });
    }
  };
  return { request, read };
}
