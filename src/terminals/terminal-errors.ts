import { DomainError } from '../errors/index.js';

/** There is no such terminal here. Terminals end with their server. */
export class TerminalNotFoundError extends DomainError {
  override readonly name = 'TerminalNotFoundError';
  readonly kind = 'not-found';
  constructor(id: string) {
    super(
      `This server has no terminal ${id}. Terminals end with their server, and some time after their use`,
    );
  }
}

/** No further terminal may be opened now. */
export class TerminalLimitError extends DomainError {
  override readonly name = 'TerminalLimitError';
  readonly kind = 'limit-reached';
  override readonly retryAfterSeconds = 5;
}

/** The terminal is not in a state for the request. */
export class TerminalStateError extends DomainError {
  override readonly name = 'TerminalStateError';
  readonly kind = 'conflict';
}

/** The shell could not be started: no such program, no such folder. */
export class TerminalStartError extends DomainError {
  override readonly name = 'TerminalStartError';
  readonly kind = 'rejected';
}
