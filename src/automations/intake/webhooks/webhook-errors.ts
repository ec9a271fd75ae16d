import { ConflictError, DomainError, NotFoundError } from '../../../errors/index.js';

/** No webhook has the id. */
export function webhookNotFound(): NotFoundError {
  return new NotFoundError('Webhook not found');
}

/** Another webhook has the source. */
export function sourceTaken(source: string): ConflictError {
  return new ConflictError(`Webhook source '${source}' already exists`);
}

/** There are as many webhooks as there may be. */
export function tooManyWebhooks(limit: number): ConflictError {
  return new ConflictError(`There are ${limit} webhooks already; delete one that is not used`);
}

/** Secrets of webhooks are stored encrypted, and this server has no key for it. */
export class NoSecretKeyError extends DomainError {
  override readonly name = 'NoSecretKeyError';
  readonly kind = 'unavailable';
  override readonly retryAfterSeconds = 3600;
  constructor() {
    super('Secrets of webhooks are encrypted with the secret key of the server. Set OH_SECRET_KEY.');
  }
}
