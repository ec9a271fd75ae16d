import { DomainError, type ErrorKind } from '../errors/index.js';

/** A sandbox that is needed does not work, or cannot be kept. The message names the reason and the cure. */
export class SandboxError extends DomainError {
  override readonly name = 'SandboxError';
  readonly kind: ErrorKind = 'rejected';
}
