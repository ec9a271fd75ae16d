import { errorMessage } from '../../errors/index.js';
import { StorageFailedError } from '../storage-errors.js';

/** The database cannot be used at the start of a server. The message says what to do. */
export class DatabaseStartError extends Error {
  override readonly name = 'DatabaseStartError';
}

const OTHER_AUTHORITY = 'Name the certificate of the authority that signed it in database_ca_file';

/** What to do about a code: of the system, of TLS, a SQLSTATE, or the two characters of its class. */
const ADVICE = new Map([
  ['28', 'Correct the user or the password in database_url, or pg_hba.conf of the database'],
  ['3D000', 'Create it with createdb, or correct the name in database_url'],
  ['53300', 'Raise max_connections of the database, or lower database_pool_size'],
  ['25006', 'It is a standby: database_url has to lead to the primary'],
  ['ENOTFOUND', 'Correct the host in database_url'],
  ['EAI_AGAIN', 'Correct the host in database_url, or mend the name service of this machine'],
  ['ECONNREFUSED', 'Start the database, or correct the host and the port in database_url'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', OTHER_AUTHORITY],
  ['SELF_SIGNED_CERT_IN_CHAIN', OTHER_AUTHORITY],
  ['UNABLE_TO_GET_ISSUER_CERT', OTHER_AUTHORITY],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', OTHER_AUTHORITY],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', OTHER_AUTHORITY],
  ['CERT_SIGNATURE_FAILURE', OTHER_AUTHORITY],
  ['CERT_HAS_EXPIRED', 'Renew the certificate of the database, or set the clock of this machine'],
  ['CERT_NOT_YET_VALID', 'Set the clock of this machine, or renew the certificate of the database'],
  [
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'Use a name of its certificate as the host in database_url, or sslmode=verify-ca to accept any name',
  ],
]);

/** What to do about messages that share their code with others. */
const ADVICE_FOR_MESSAGES: readonly [RegExp, string][] = [
  [
    /does not support SSL/,
    'Switch on TLS in the database (ssl = on), or use sslmode=disable in database_url',
  ],
  [
    /no pg_hba\.conf entry[^]{0,400}no encryption/,
    'It may demand TLS: add sslmode=verify-full to database_url, or correct pg_hba.conf of the database',
  ],
];
const OTHERWISE = 'Look whether the database runs, and at database_url and database_ca_file';

/** An error for the operator if the database could not be reached; any other error unchanged. */
export function toStartError(error: unknown): unknown {
  if (!(error instanceof StorageFailedError)) return error;
  const { code, cause } = error;
  const reason = errorMessage(cause);
  return new DatabaseStartError(`the database cannot be used: ${reason}. ${adviceFor(code, reason)}`, {
    cause,
  });
}

function adviceFor(code: string, reason: string): string {
  const [, special] = ADVICE_FOR_MESSAGES.find(([message]) => message.test(reason)) ?? [];
  return special ?? ADVICE.get(code) ?? ADVICE.get(code.slice(0, 2)) ?? OTHERWISE;
}
