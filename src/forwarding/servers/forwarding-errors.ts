import { DomainError, type ErrorKind } from '../../errors/index.js';
import { UpstreamError } from '../relay/upstream.js';

/** A request could not be served by the server that has its conversation. The message is the reason. */
export class ForwardingError extends DomainError {
  override readonly name = 'ForwardingError';
  constructor(
    readonly kind: Extract<ErrorKind, 'unavailable' | 'upstream-failed' | 'timeout'>,
    message: string,
    /** The server has seen nothing of the request. */
    readonly isUnsent = false,
  ) {
    super(message);
  }
}

/** The conversation changes its server. */
export function moving(): ForwardingError {
  return new ForwardingError('unavailable', 'The conversation is moving to another server. Retry.');
}

/** Another server answers at the address: after a restart, until the lease of the former one is over. */
export function misdirected(): ForwardingError {
  return new ForwardingError(
    'unavailable',
    'Another server answers at the address of the one that has the conversation. Retry. If that goes on, two ' +
      'servers have the same server_url.',
  );
}

/** The lease of the server has ended while the request waited for it. */
export function ended(): ForwardingError {
  return new ForwardingError(
    'unavailable',
    'The server that had the conversation has stopped; another one takes it over. The request may have been executed.',
  );
}

/** The server has a lease, but does not answer any more. */
export function silent(): ForwardingError {
  return new ForwardingError(
    'timeout',
    'The server that has the conversation does not answer. The request may have been executed.',
  );
}

/** The server has no address. */
export function unreachable(): ForwardingError {
  return new ForwardingError(
    'upstream-failed',
    'The conversation is served by another server, which has no server_url.',
  );
}

/** The address of the server in the database is none that a server announces. */
export function wrongAddress(serverId: string): ForwardingError {
  return new ForwardingError(
    'upstream-failed',
    `The address of the server that has the conversation (${serverId}) is not a URL of a host and a port.`,
  );
}

/** The server has another key. */
export function keyRefused(): ForwardingError {
  return new ForwardingError(
    'upstream-failed',
    'The server that has the conversation refuses this one: all servers of a database need the same secret_key or ' +
      'cluster_key, and clocks that agree to a minute.',
  );
}

/** What a client is told about a failed upstream. */
export function forwardingError(error: unknown): unknown {
  if (!(error instanceof UpstreamError)) return error;
  switch (error.phase) {
    case 'queue':
      return new ForwardingError(
        'unavailable',
        'Too many requests wait for the server that has the conversation. Retry.',
      );
    case 'connect-timeout':
      return new ForwardingError(
        'timeout',
        'The server that has the conversation does not accept connections.',
      );
    case 'connect':
      return new ForwardingError(
        'upstream-failed',
        `The server that has the conversation is unreachable (${error.code}). The request was not executed.`,
        true,
      );
    case 'answer':
      return new ForwardingError(
        'upstream-failed',
        `The server that has the conversation has closed the connection before its answer (${error.code}). ` +
          'The request may have been executed.',
      );
  }
}
