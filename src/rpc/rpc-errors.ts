import { DomainError } from '../errors/index.js';

/** A decision about actions, but none waits for one. */
export class NothingPendingError extends DomainError {
  override readonly name = 'NothingPendingError';
  readonly kind = 'conflict';
  constructor(id: string) {
    super(`No action of conversation ${id} waits for a confirmation.`);
  }
}

/** Something would start a run, which would execute actions that wait for a confirmation. */
export class DecisionPendingError extends DomainError {
  override readonly name = 'DecisionPendingError';
  readonly kind = 'conflict';
  constructor(id: string) {
    super(`Conversation ${id} is waiting for confirmation: accept or reject its actions first.`);
  }
}

/** What is waited for is not served here any more. The same request, repeated, gets where it is. */
export class WaitMovedError extends DomainError {
  override readonly name = 'WaitMovedError';
  readonly kind = 'unavailable';
  constructor(id: string) {
    super(`Conversation ${id} is moving or closing. Repeat the request.`);
  }
}

/** Conversations in containers are served by other programs, which do not know these protocols. */
export class InContainerError extends DomainError {
  override readonly name = 'InContainerError';
  readonly kind = 'unsupported';
  /** @param id undefined: new conversations of the server */
  constructor(id?: string) {
    super(
      id === undefined
        ? 'Conversations of this server run in containers, which are started by POST /api/conversations only'
        : `Conversation ${id} runs in a container: use the REST API to work with it`,
    );
  }
}
