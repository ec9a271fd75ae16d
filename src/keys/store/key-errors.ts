import { DomainError } from '../../errors/index.js';

/** No key has the id. */
export class UnknownKeyError extends DomainError {
  override readonly name = 'UnknownKeyError';
  readonly kind = 'not-found';
  constructor() {
    super('There is no key with this id');
  }
}

/** Another key has the name. */
export class KeyNameTakenError extends DomainError {
  override readonly name = 'KeyNameTakenError';
  readonly kind = 'conflict';
  constructor(name: string) {
    super(`There is a key with the name '${name}' already`);
  }
}

/** There are as many keys as there may be. */
export class TooManyKeysError extends DomainError {
  override readonly name = 'TooManyKeysError';
  readonly kind = 'conflict';
  constructor(limit: number) {
    super(`There are ${limit} keys already; revoke one that is not used`);
  }
}

/** The stored keys cannot be used. What is wrong with them is in the log. */
export class KeysUnusableError extends DomainError {
  override readonly name = 'KeysUnusableError';
  readonly kind = 'unavailable';
  constructor() {
    super('The stored keys cannot be read; the log of the server says why');
  }
}

/** Too many keys are being checked for the first time. */
export class TooManyChecksError extends DomainError {
  override readonly name = 'TooManyChecksError';
  readonly kind = 'unavailable';
  constructor() {
    super('Too many keys are being checked at the moment; try again');
  }
}
