import { readChecked, text } from '../../../http/index.js';
import { stableUuid } from '../../../text/index.js';

const NAME = 'Idempotency-Key';

/** The header, for the API document. */
export const IDEMPOTENCY_HEADER = {
  [NAME]: 'A key of at most 255 characters. Requests with the same key are executed once.',
} as const;

/**
 * Validates the header of a request; undefined if it is missing.
 * @throws RequestValidationError if it is empty or too long
 */
export function readIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  return String(readChecked(text({ min: 1, max: 255 }), header, ['header', NAME]));
}

/**
 * Derives a conversation id from a key, so that a second request with the key finds the conversation.
 * @param owner the API key whose conversations are its own: two of them may choose the same text
 */
export function conversationIdFor(key: string, owner?: string): string {
  const whose = owner === undefined ? '' : `${owner} `;
  return stableUuid(`conversation ${whose}${key}`, '8');
}
