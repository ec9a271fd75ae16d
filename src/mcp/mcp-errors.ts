import { DomainError } from '../errors/index.js';

/** The maximum number of MCP servers is being tested, or of sign-ins is open. */
export class TooManyProbesError extends DomainError {
  override readonly name = 'TooManyProbesError';
  readonly kind = 'limit-reached';
  constructor() {
    super('Too many MCP servers are being tested');
  }
}

/** A sign-in was requested for a server that is not configured for OAuth. */
export class OAuthNotConfiguredError extends DomainError {
  override readonly name = 'OAuthNotConfiguredError';
  readonly kind = 'rejected';
  constructor() {
    super("MCP OAuth start requires auth.strategy='oauth2'");
  }
}

/** There is no sign-in with this id, or its result is no longer kept. */
export class SignInNotFoundError extends DomainError {
  override readonly name = 'SignInNotFoundError';
  readonly kind = 'not-found';
  constructor() {
    super('MCP OAuth job not found');
  }
}

/** The callback URL is not one of this sign-in. */
export class InvalidCallbackError extends DomainError {
  override readonly name = 'InvalidCallbackError';
  readonly kind = 'rejected';
}

/** The sign-in does not wait for a callback: not yet, or no longer. */
export class SignInNotWaitingError extends DomainError {
  override readonly name = 'SignInNotWaitingError';
  readonly kind = 'conflict';
  constructor() {
    super('OAuth callback is not ready');
  }
}

/** The URL is a callback, but not that of this sign-in. */
export class UnexpectedCallbackError extends InvalidCallbackError {
  constructor() {
    super('Unexpected OAuth callback URL');
  }
}
