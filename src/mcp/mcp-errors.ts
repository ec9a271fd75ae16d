import { ConflictError, LimitError, NotFoundError, RejectedError } from '../errors/index.js';

/** The maximum number of MCP servers is being tested, or of sign-ins is open. */
export function tooManyProbes(): LimitError {
  return new LimitError('Too many MCP servers are being tested');
}

/** A sign-in was requested for a server that is not configured for OAuth. */
export function oauthNotConfigured(): RejectedError {
  return new RejectedError("MCP OAuth start requires auth.strategy='oauth2'");
}

/** There is no sign-in with this id, or its result is no longer kept. */
export function signInNotFound(): NotFoundError {
  return new NotFoundError('MCP OAuth job not found');
}

/** The sign-in does not wait for a callback: not yet, or no longer. */
export function signInNotWaiting(): ConflictError {
  return new ConflictError('OAuth callback is not ready');
}

/** The URL is a callback, but not that of this sign-in. */
export function unexpectedCallback(): RejectedError {
  return new RejectedError('Unexpected OAuth callback URL');
}
