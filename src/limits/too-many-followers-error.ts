import { DomainError } from '../errors/index.js';

/** As many sockets, streams and waiting requests as allowed follow the conversation. */
export class TooManyFollowersError extends DomainError {
  override readonly name = 'TooManyFollowersError';
  readonly kind = 'limit-reached';
  override readonly retryAfterSeconds = 5;
  constructor() {
    super('Too many connections for this conversation');
  }
}
