import { errorCode, errorMessage } from '../../../errors/index.js';
import { StorageFailedError } from '../../storage-errors.js';

/** How errors name what failed. */
const DATABASE = 'its database';

/**
 * The connection was lost after a statement was sent: it is not known whether its changes are stored. Read
 * before it is repeated.
 */
export class OutcomeUnknownError extends StorageFailedError {
  /** As `unavailable` it would tell clients to send again what may be stored. */
  override readonly kind = 'timeout';

  constructor(code: string, cause: unknown) {
    super(code, cause, DATABASE);
  }
}

/**
 * Conditions of the server (SQLSTATE, or the two characters of a class) that pass without a change of the
 * statement.
 */
const TRANSIENT_STATES = new Set([
  '08', // connection exception
  '28', // the role or its password are not accepted (any more)
  '53', // insufficient resources: connections, memory, disk
  '57', // operator intervention: shutdown, starting up, cancelled by the time-out
  '58', // system error of the server
  '25006', // read-only transaction: a standby
  '25P03', // the transaction was open for too long
  '3D000', // the database does not exist
  '40001', // serialization failure
  '40P01', // deadlock
  '55P03', // lock not available
]);

/** The server ends the connection; a statement may have been committed before. */
const CONNECTION_ENDED_STATES = new Set(['57P01', '57P02', '57P03', '57P05', '08006', '08003', '08000']);

/** The SQLSTATE of an error that the server has reported, such as `23505`; undefined for other errors. */
export function sqlState(error: unknown): string | undefined {
  const code = errorCode(error);
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) && isReported(error) ? code : undefined;
}

/** System errors have codes of five letters, too (`EPIPE`). Only the server gives a severity. */
function isReported(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'severity' in error;
}

/** Whether the connection is gone, so that the outcome of a statement that was sent is not known. */
export function isConnectionLost(error: unknown): boolean {
  const state = sqlState(error);
  return state === undefined || CONNECTION_ENDED_STATES.has(state);
}

/** Whether the database, or the role, has as many connections as it may have. */
export function isAtLimit(error: unknown): boolean {
  return sqlState(error) === '53300';
}

/** An error of a statement whose outcome is known: a `StorageFailedError` if it may succeed later. */
export function toDatabaseError(error: unknown): unknown {
  if (error instanceof StorageFailedError) return error;
  const state = sqlState(error);
  if (state === undefined) return unavailable(error);
  const isTransient = TRANSIENT_STATES.has(state) || TRANSIENT_STATES.has(state.slice(0, 2));
  return isTransient ? new StorageFailedError(state, error, DATABASE) : error;
}

/** The database cannot be reached; nothing was sent. */
export function unavailable(error: unknown): StorageFailedError {
  if (error instanceof StorageFailedError) return error;
  return new StorageFailedError(codeOf(error), error, DATABASE);
}

/** The connection was lost after a statement was sent. */
export function outcomeUnknown(error: unknown): OutcomeUnknownError {
  return new OutcomeUnknownError(codeOf(error), error);
}

/** `pg` reports most losses of a connection without a code. */
function codeOf(error: unknown): string {
  return errorCode(error) ?? (/timeout|timed out/i.test(errorMessage(error)) ? 'ETIMEDOUT' : 'ECONNRESET');
}
