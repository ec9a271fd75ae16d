import { DomainError } from '../errors/index.js';

/** There is no such share of the conversation. */
export class UnknownShareError extends DomainError {
  override readonly name = 'UnknownShareError';
  readonly kind = 'not-found';
  constructor() {
    super('This conversation has no such share link.');
  }
}

/** A share link cannot be made; the message says why and what to do. */
export class NoShareError extends DomainError {
  override readonly name = 'NoShareError';
  readonly kind = 'conflict';
}
