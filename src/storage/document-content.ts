import { isJsonObject, type JsonObject } from '../json/index.js';
import { MAX_DOCUMENT_BYTES } from './documents.js';
import { DamagedDocumentError, DocumentTooLargeError } from './document-errors.js';

/** The object in the text of a document. @throws DamagedDocumentError */
export function parseDocument(place: string, text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message is not used: it quotes the text, which may be a secret.
    throw new DamagedDocumentError(place, 'it is not JSON');
  }
  if (isJsonObject(value)) return value;
  throw new DamagedDocumentError(place, 'it does not hold a JSON object');
}

/** The text of a document, as people like to read it. @throws DocumentTooLargeError */
export function documentText(value: JsonObject): string {
  return withinLimit(JSON.stringify(value, null, 2));
}

/** @throws DocumentTooLargeError */
export function withinLimit(text: string): string {
  if (Buffer.byteLength(text) > MAX_DOCUMENT_BYTES) throw new DocumentTooLargeError(MAX_DOCUMENT_BYTES);
  return text;
}
