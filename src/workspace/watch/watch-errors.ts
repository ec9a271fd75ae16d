import { DomainError } from '../../errors/index.js';

/** The server watches as many folders as it may. */
export class TooManyWatchesError extends DomainError {
  override readonly name = 'TooManyWatchesError';
  readonly kind = 'limit-reached';
}
