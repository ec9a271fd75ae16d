import { createHash } from 'node:crypto';
import { readChecked } from '../../../http/validation/dto.js';
import { text } from '../../../http/validation/field-type.js';

const NAME = 'Idempotency-Key';

/** The header, for the API document. */
export const IDEMPOTENCY_HEADER = {
  [NAME]: 'Chosen by the client, at most 255 characters: what is sent twice with the same key is done once.',
} as const;

/**
 * The key of a request, if it has one.
 * @throws RequestValidationError when it is empty or too long
 */
export function readIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  return String(readChecked(text({ min: 1, max: 255 }), header, ['header', NAME]));
}

/** The id of the conversation that is made with a key: a second request with that key finds it. */
export function conversationIdOf(key: string): string {
  const hex = createHash('sha256').update(`conversation ${key}`).digest('hex');
  // Version 8: made by a rule of our own.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
