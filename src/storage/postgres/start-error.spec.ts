import { StorageFailedError } from '../storage-errors.js';
import { DatabaseStartError, toStartError } from './start-error.js';

describe('toStartError', () => {
  /** @returns what the operator reads */
  function explained(code: string, reason: string): string {
    const error = toStartError(new StorageFailedError(code, new Error(reason)));
    expect(error).toBeInstanceOf(DatabaseStartError);
    return (error as Error).message;
  }

  it('says what to do about a refused password, a missing database and a host that does not answer', () => {
    expect(explained('28P01', 'password authentication failed for user "agent"')).toBe(
      'the database cannot be used: password authentication failed for user "agent". ' +
        'Correct the user or the password in database_url, or pg_hba.conf of the database',
    );
    expect(explained('3D000', 'database "agents" does not exist')).toContain('Create it with createdb');
    expect(explained('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:1')).toContain('Start the database');
    expect(explained('ETIMEDOUT', 'timeout expired')).toContain('Look whether the database runs');
  });

  it('leaves other errors as they are', () => {
    const error = new Error('another one');
    expect(toStartError(error)).toBe(error);
  });
});
