import { DomainError } from '../../../errors/index.js';

/** No webhook has the id. */
export class UnknownWebhookError extends DomainError {
  override readonly name = 'UnknownWebhookError';
  readonly kind = 'not-found';
  constructor() {
    super('Webhook not found');
  }
}

/** Another webhook has the source. */
export class SourceTakenError extends DomainError {
  override readonly name = 'SourceTakenError';
  readonly kind = 'conflict';
  constructor(source: string) {
    super(`Webhook source '${source}' already exists`);
  }
}

/** There are as many webhooks as there may be. */
export class TooManyWebhooksError extends DomainError {
  override readonly name = 'TooManyWebhooksError';
  readonly kind = 'conflict';
  constructor(limit: number) {
    super(`There are ${limit} webhooks already; delete one that is not used`);
  }
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
