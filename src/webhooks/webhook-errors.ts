import { DomainError } from '../errors/index.js';

/** No webhook has this id. */
export class UnknownWebhookError extends DomainError {
  override readonly name = 'UnknownWebhookError';
  readonly kind = 'not-found';
  constructor(id: string) {
    super(`Webhook not found: ${id}. GET /api/webhooks lists the ids.`);
  }
}

/** Nothing is pending that could be attempted at once. */
export class NothingPendingError extends DomainError {
  override readonly name = 'NothingPendingError';
  readonly kind = 'conflict';
  constructor(url: string, conversationId: string | null) {
    const what = conversationId === null ? 'Nothing' : `Nothing of conversation ${conversationId}`;
    super(
      `${what} waits for delivery to ${url}. ` +
        'To deliver events again, name a conversation and the event to begin with (from_event_id).',
    );
  }
}

/** Another server owns the conversation and delivers its events. */
export class DeliveredElsewhereError extends DomainError {
  override readonly name = 'DeliveredElsewhereError';
  readonly kind = 'conflict';
  constructor(conversationId: string) {
    super(
      `Another running server owns conversation ${conversationId} and delivers its events. Send the request to that server.`,
    );
  }
}
