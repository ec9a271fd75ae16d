import { errorMessage } from '../../errors/index.js';
import { StorageFailedError } from '../storage-errors.js';

/** The database cannot be used at the start of a server. The message says what to do. */
export class DatabaseStartError extends Error {
  override readonly name = 'DatabaseStartError';
}

/** What to do about a code: of the system, a SQLSTATE, or the two characters of its class. */
const ADVICE = new Map([
  ['28', 'Correct the user or the password in database_url, or pg_hba.conf of the database'],
  ['3D000', 'Create it with createdb, or correct the name in database_url'],
  ['53300', 'Raise max_connections of the database, or lower database_pool_size'],
  ['25006', 'It is a standby: database_url has to lead to the primary'],
  ['ENOTFOUND', 'Correct the host in database_url'],
  ['EAI_AGAIN', 'Correct the host in database_url, or mend the name service of this machine'],
  ['ECONNREFUSED', 'Start the database, or correct the host and the port in database_url'],
]);
const OTHERWISE = 'Look whether the database runs, and at database_url and database_ca_file';

/** An error for the operator if the database could not be reached; any other error unchanged. */
export function toStartError(error: unknown): unknown {
  if (!(error instanceof StorageFailedError)) return error;
  const { code, cause } = error;
  const advice = ADVICE.get(code) ?? ADVICE.get(code.slice(0, 2)) ?? OTHERWISE;
  return new DatabaseStartError(`the database cannot be used: ${errorMessage(cause)}. ${advice}`, { cause });
}
