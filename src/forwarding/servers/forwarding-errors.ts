import type { AddressProblem } from '../../crypto/index.js';
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
    override readonly retryAfterSeconds?: number,
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

/** Nothing accepts connections at the address, and the lease is not renewed: the server has ended. */
export function gone({ phase, code }: UpstreamError, seconds: number): ForwardingError {
  return new ForwardingError(
    'unavailable',
    `The server that has the conversation accepts no connections (${code}). If it has ended, another one takes over ` +
      `when its lease is over, in ${seconds} s; retry then. The request was not executed.`,
    phase === 'connect',
    seconds,
  );
}

/** The address in the database was not announced by a server of this cluster. */
export function unproven(problem: AddressProblem): ForwardingError {
  return new ForwardingError('upstream-failed', UNPROVEN[problem]);
}

const UNPROVEN: Readonly<Record<AddressProblem, string>> = {
  unsigned:
    'The server that has the conversation has not signed its address: it is an older version, or has no secret_key ' +
    'and no cluster_key. During an update set accept_unsigned_servers.',
  forged:
    'The address of the server that has the conversation is not signed with the key of this one: all servers of a ' +
    'database need the same secret_key or cluster_key, or somebody has changed the address in the database.',
  expired:
    'The signature of the address of the server that has the conversation is too old: the clocks of the servers ' +
    'differ by more than a minute, or somebody has brought back a former address in the database.',
};

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
