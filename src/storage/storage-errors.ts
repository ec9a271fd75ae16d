import { DomainError, errorCode, errorMessage } from '../errors/index.js';

/** Another live server owns the conversation. For clients it is not found here; the message says why. */
export class LeaseHeldError extends DomainError {
  override readonly name = 'LeaseHeldError';
  readonly kind = 'not-found';
  constructor(readonly conversationId: string) {
    super(`Conversation ${conversationId} is owned by another live agent server instance`);
  }
}

/**
 * The owner of the conversation no longer reaches the database. Nobody may take the conversation yet: all
 * servers may just have come back together with the database.
 */
export class TakeoverPendingError extends DomainError {
  override readonly name = 'TakeoverPendingError';
  readonly kind = 'unavailable';
  constructor(readonly conversationId: string) {
    super(
      `The server that owned conversation ${conversationId} is gone. Another one takes over in a few seconds; try again then.`,
    );
  }
}

/** This server no longer owns the conversation; the write was refused. */
export class LeaseLostError extends DomainError {
  override readonly name = 'LeaseLostError';
  readonly kind = 'conflict';
  constructor(readonly conversationId: string) {
    super('Conversation is owned by another agent server instance; the write was refused');
  }
}

/** The expected sequence number of an append is not the next one of the log. */
export class SequenceConflictError extends Error {
  override readonly name = 'SequenceConflictError';
  constructor(expected: number, actual: number) {
    super(`append expected sequence ${expected}, the log is at ${actual}`);
  }
}

/**
 * The metadata or a file of a conversation is damaged. Its events may still be readable, and it can be
 * deleted.
 */
export class DamagedConversationError extends DomainError {
  override readonly name = 'DamagedConversationError';
  readonly kind = 'conflict';
  constructor(
    readonly conversationId: string,
    readonly reason: string,
  ) {
    super(`Conversation ${conversationId} is damaged: ${reason}`);
  }
}

/** System errors, and the SQLSTATE of a database whose disk is full. */
const DISK_FULL_CODES = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', '53100']);
const UNAVAILABLE_CODES = new Set([
  'EROFS',
  'EACCES',
  'EPERM',
  'EIO',
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'ESTALE',
  'ENXIO',
]);

/**
 * The storage cannot be read or written at the moment; the operation was not done. It recovers without a
 * restart.
 */
export class StorageFailedError extends DomainError {
  override readonly name = 'StorageFailedError';
  readonly kind: 'storage-full' | 'unavailable' | 'timeout';

  constructor(
    /** The system's error code, such as `ENOSPC`, or the SQLSTATE of a database. */
    readonly code: string,
    cause: unknown,
    /** What cannot be used. */
    what = 'its data folder',
  ) {
    super(
      DISK_FULL_CODES.has(code)
        ? `The disk of the server is full (${code}): nothing was stored. Try again when there is room.`
        : `The server cannot use ${what} at the moment: ${errorMessage(cause)}`,
      { cause },
    );
    this.kind = DISK_FULL_CODES.has(code) ? 'storage-full' : 'unavailable';
  }

  /** The disk is full; otherwise the storage is unavailable. */
  get isFull(): boolean {
    return this.kind === 'storage-full';
  }
}

/** Codes for a folder, a link or a pipe in the place of a file. */
const NOT_A_FILE_CODES = new Set(['EISDIR', 'ENOTDIR', 'ELOOP', 'ENXIO']);

/**
 * Converts an error about a file of a conversation: damage if something else is in its place, otherwise see
 * `toStorageError`.
 * @param what the file is called in the reason
 */
export function toFileError(conversationId: string, what: string, error: unknown): unknown {
  if (!NOT_A_FILE_CODES.has(errorCode(error) ?? '')) return toStorageError(error);
  return new DamagedConversationError(conversationId, `${what} is not a file: ${errorMessage(error)}`);
}

/**
 * A `StorageFailedError` for system errors that mean a full or unavailable disk; any other error unchanged.
 */
export function toStorageError(error: unknown): unknown {
  const code = errorCode(error) ?? '';
  return DISK_FULL_CODES.has(code) || UNAVAILABLE_CODES.has(code)
    ? new StorageFailedError(code, error)
    : error;
}
