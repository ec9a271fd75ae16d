import { DomainError, type ErrorKind } from '../../errors/index.js';

/** A conversation cannot be served in its container. The message is the reason. */
export class ContainerError extends DomainError {
  override readonly name = 'ContainerError';
  constructor(
    readonly kind: Extract<
      ErrorKind,
      'upstream-failed' | 'unavailable' | 'conflict' | 'timeout' | 'unsupported'
    >,
    message: string,
  ) {
    super(message);
  }
}
