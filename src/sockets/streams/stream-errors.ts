import { DomainError } from '../../errors/index.js';

/** As many sockets and streams as allowed follow the conversation. */
export class TooManyStreamsError extends DomainError {
  override readonly name = 'TooManyStreamsError';
  readonly kind = 'limit-reached';
  override readonly retryAfterSeconds = 5;
  constructor() {
    super('Too many connections for this conversation');
  }
}
