import { DomainError } from '../../../errors/index.js';

/** The operation conflicts with the back end's state: its revision, its preparation or its process. */
export class BackendRefusedError extends DomainError {
  override readonly name = 'BackendRefusedError';
  readonly kind = 'conflict';
}
