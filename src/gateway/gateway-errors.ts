import { ConflictException, HttpException, NotFoundException } from '@nestjs/common';
import type { Outcome } from './answers/pending-answer.js';

/** The model does not exist on this server. */
export function unknownModel(model: string): NotFoundException {
  return new NotFoundException({
    detail: `Unknown OpenHands model '${model.slice(0, 100)}'. Use GET /v1/models.`,
  });
}

/** The conversation cannot accept a message now. */
export function conflict(detail: string): ConflictException {
  return new ConflictException({ detail });
}

/** The answer was not ready in time; the run continues. */
export function answerTimeout(conversationId: string, seconds: number): HttpException {
  return new HttpException(
    `The agent did not finish within ${seconds} seconds and continues to work. ` +
      `Follow conversation ${conversationId}, or request a stream.`,
    504,
  );
}

/** The error for a run without an answer; undefined if it has one. */
export function failureOf({ status, failure, isIncomplete }: Outcome): HttpException | undefined {
  if (isIncomplete)
    return new HttpException('The agent has answered without the JSON that was asked for', 500);
  if (status === 'finished') return undefined;
  const text = `Agent run ended with status: ${status}`;
  if (status === 'paused') return conflict(text);
  if (status === 'idle') return conflict('The run was cancelled while it waited for a free slot');
  if (status === 'waiting_for_confirmation')
    return conflict(`${text}. Accept or reject its actions before the next message.`);
  return new HttpException(failure === undefined ? text : `${text} (${failure})`, 500);
}
