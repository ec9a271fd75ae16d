import { DomainError } from '../../errors/index.js';

/** The container engine does not answer. The message says why and what to do. */
export class EngineAwayError extends DomainError {
  override readonly name = 'EngineAwayError';
  readonly kind = 'unavailable';
  constructor(reason: string) {
    super(`The container engine is not available: ${reason}`);
  }
}

/** The container engine has answered, and refuses. The message is the engine's, shortened. */
export class EngineRefusedError extends DomainError {
  override readonly name = 'EngineRefusedError';
  readonly kind = 'upstream-failed';
  constructor(
    message: string,
    /** The status of its answer; 0 for an answer that makes no sense. */
    readonly status: number,
  ) {
    super(message);
  }
}
