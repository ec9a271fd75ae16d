import { DomainError, errorCode, errorMessage } from '../errors/index.js';

/**
 * Another live server owns the conversation. Clients know this as not found; the message says that it is
 * elsewhere.
 */
export class LeaseHeldError extends DomainError {
  override readonly name = 'LeaseHeldError';
  readonly kind = 'not-found';
  constructor(readonly conversationId: string) {
    super(`Conversation ${conversationId} is owned by another live agent server instance`);
  }
}

/** This server owned the conversation and no longer does; the write was refused. */
export class LeaseLostError extends DomainError {
  override readonly name = 'LeaseLostError';
  readonly kind = 'conflict';
  constructor(readonly conversationId: string) {
    super('Conversation is owned by another agent server instance; the write was refused');
  }
}

/** An append did not start at the end of the log. */
export class SequenceConflictError extends Error {
  override readonly name = 'SequenceConflictError';
  constructor(expected: number, actual: number) {
    super(`append expected sequence ${expected}, the log is at ${actual}`);
  }
}

/**
 * What is stored of a conversation cannot be understood. Its events may be readable all the same, and it can
 * be deleted.
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

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const OUT_OF_ORDER = new Set([
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
 * The store takes or gives nothing at the moment; what was asked for was not done. No restart is needed when
 * it works again.
 */
export class StorageFailedError extends DomainError {
  override readonly name = 'StorageFailedError';
  readonly kind: 'storage-full' | 'unavailable';

  constructor(
    /** What the system said, `ENOSPC` for example. */
    readonly code: string,
    cause: unknown,
  ) {
    super(
      FULL.has(code)
        ? `The disk of the server is full (${code}): nothing was stored. Try again when there is room.`
        : `The server cannot use its data folder at the moment: ${errorMessage(cause)}`,
      { cause },
    );
    this.kind = FULL.has(code) ? 'storage-full' : 'unavailable';
  }

  /** There is no room, as opposed to a store that is out of order. */
  get isFull(): boolean {
    return this.kind === 'storage-full';
  }
}

/** A folder, a link, a pipe: no file. */
const NO_FILE = new Set(['EISDIR', 'ENOTDIR', 'ELOOP', 'ENXIO']);

/**
 * Why a file of a conversation cannot be used: something else stands in its place, or the store is out of
 * order.
 * @param what the file is called in the reason
 */
export function unusableFile(conversationId: string, what: string, error: unknown): unknown {
  if (!NO_FILE.has(errorCode(error) ?? '')) return storageFailure(error);
  return new DamagedConversationError(conversationId, `${what} is no file: ${errorMessage(error)}`);
}

/** A `StorageFailedError` for an error of the system that says so, any other error as it is. */
export function storageFailure(error: unknown): unknown {
  const code = errorCode(error) ?? '';
  return FULL.has(code) || OUT_OF_ORDER.has(code) ? new StorageFailedError(code, error) : error;
}
