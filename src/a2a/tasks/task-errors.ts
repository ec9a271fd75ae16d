import { DomainError } from '../../errors/index.js';

/** The id names no task of this server, or none that the key sees. */
export class UnknownTaskError extends DomainError {
  override readonly name = 'UnknownTaskError';
  readonly kind = 'not-found';
  constructor(id: string) {
    super(`There is no task '${id.slice(0, 100)}'.`);
  }
}

/** The task is over. */
export class TaskNotCancelableError extends DomainError {
  override readonly name = 'TaskNotCancelableError';
  readonly kind = 'conflict';
  constructor(phase: string) {
    super(`The task is ${phase} and cannot be canceled.`);
  }
}

/** The server cannot tell more about a task. The same request, repeated, gets where it is. */
export class TaskWatchEndedError extends DomainError {
  override readonly name = 'TaskWatchEndedError';
  readonly kind = 'unavailable';
  constructor() {
    super('The conversation of the task is moving, or the server is stopping. Repeat the request.');
  }
}
