import { DomainError } from '../errors/index.js';

/** A document does not have the expected content. It is never overwritten without a copy. */
export class DamagedDocumentError extends Error {
  override readonly name = 'DamagedDocumentError';
  constructor(
    readonly place: string,
    readonly why: string,
  ) {
    super(`${place} cannot be used: ${why}`);
  }
}

/** Other servers change documents for too long. */
export class DocumentsBusyError extends DomainError {
  override readonly name = 'DocumentsBusyError';
  readonly kind = 'unavailable';
  constructor() {
    super('The settings are being changed by another server; try again');
  }
}

/** A change would exceed the maximum size of a document. */
export class DocumentTooLargeError extends DomainError {
  override readonly name = 'DocumentTooLargeError';
  readonly kind = 'too-large';
  constructor(limit: number) {
    super(`Too large: one file of settings holds at most ${limit} bytes`);
  }
}
