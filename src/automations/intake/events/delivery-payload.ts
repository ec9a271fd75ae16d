import { isUtf8 } from 'node:buffer';
import { BadRequestException } from '@nestjs/common';
import { isJsonObject, JsonBoundsError, JsonSize, type JsonObject } from '../../../json/index.js';

/** Maximum size of a delivery (bytes). */
export const MAX_DELIVERY_BYTES = 1024 * 1024;
/** Values of a payload, and its levels: a push with a thousand commits has some 20,000 values. */
const BOUNDS = { values: 100_000, depth: 128 };

/** The payload of a delivery. @throws BadRequestException if it is no JSON object, or has too many values */
export function payloadOf(body: Buffer): JsonObject {
  if (!isUtf8(body)) throw new BadRequestException({ detail: 'The payload is not UTF-8.' });
  try {
    new JsonSize(BOUNDS).push(body);
    const payload: unknown = JSON.parse(body.toString('utf8').replace(/^\ufeff/, ''));
    if (isJsonObject(payload)) return payload;
  } catch (error) {
    if (error instanceof JsonBoundsError) throw new BadRequestException({ detail: `${error.message}.` });
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new BadRequestException({
    detail: 'The payload is no JSON object. Have the sender use the content type application/json.',
  });
}
