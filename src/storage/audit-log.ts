/** How an operation ended: done, refused for the key or a limit of it, or failed otherwise. */
export const AUDIT_OUTCOMES = ['done', 'refused', 'failed'] as const;
/** How an operation ended. */
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number];

/** One line of the audit log: who did what, when, and how it ended. The names are those of the wire. */
export interface AuditEntry {
  /** UUID with dashes: an entry that is appended twice is stored once where the driver can tell. */
  id: string;
  /** When it began: UTC with milliseconds. */
  time: string;
  /** `session` for the session key; null without a valid key. */
  key_id: string | null;
  key_name: string | null;
  /** Of the client; null if it is unknown, or there are several. */
  address: string | null;
  /** The `operationId` of the API document, or a name such as `Socket_message`. */
  operation: string;
  conversation_id: string | null;
  outcome: AuditOutcome;
  /** Of the HTTP answer, or what it would have been; null if the client left before the answer. */
  status: number | null;
  duration_ms: number;
  /** How many equal refusals this entry stands for: those of a minute are one entry. */
  count: number;
}

/** Kinds of entries that are kept apart, so that many of one kind cannot push out those of another. */
export const AUDIT_CLASSES = ['keys', 'refused', 'work'] as const;
/** A kind of entries that is kept apart. */
export type AuditClass = (typeof AUDIT_CLASSES)[number];

/** What each kind may take of the whole audit log. */
export const AUDIT_SHARES: Readonly<Record<AuditClass, number>> = {
  keys: 1 / 8,
  refused: 1 / 8,
  work: 3 / 4,
};

/** Operations that make, change or revoke keys, as the beginning of a regular expression of any driver. */
export const KEY_OPERATIONS = '^(Keys|Init)_';
const KEY_OPERATION = new RegExp(KEY_OPERATIONS);

/** Changes of keys; what was refused, or asked for without a key; and everything else. */
export function auditClassOf({ outcome, key_id, operation }: AuditEntry): AuditClass {
  if (outcome === 'refused' || key_id === null) return 'refused';
  return KEY_OPERATION.test(operation) ? 'keys' : 'work';
}

/** Which entries to read: those that match every field that is given. */
export interface AuditQuery {
  /** The id or the name of a key. */
  key?: string;
  /** A part of the name of the operation, in any case. */
  operation?: string;
  conversationId?: string;
  outcome?: AuditOutcome;
  /** From this time on, and before this one: UTC with `Z`. */
  from?: string;
  before?: string;
  /** The `nextPageId` of the previous page. */
  pageId?: string;
  limit: number;
}

/** A page of entries, newest first. It may be short, or empty, though older ones follow. */
export interface AuditPage {
  items: AuditEntry[];
  nextPageId: string | null;
}

/** How much of the audit log is kept, and how carefully. */
export abstract class AuditLogOptions {
  /** Where the file driver stores it: an absolute path. */
  abstract readonly folder: string;
  abstract readonly maxBytes: number;
  abstract readonly keepDays: number;
  /** An entry is on the disk, not only with the system, when `append` has resolved. */
  abstract readonly isFlushed: boolean;
}

/**
 * Who has changed what, for all servers of the storage. Entries are only ever added; the oldest are removed
 * beyond the limits.
 */
export abstract class AuditLog {
  /**
   * Appends entries in their order: all of them, or none if it rejects.
   * @throws StorageFailedError
   */
  abstract append(entries: readonly AuditEntry[]): Promise<void>;

  /** @throws InvalidRequestError for a `pageId` of another kind; StorageFailedError */
  abstract page(query: AuditQuery): Promise<AuditPage>;

  /** Removes what is beyond the limits. With several servers one of them does it. */
  abstract sweep(): Promise<void>;

  /** Waits for what is being written and releases what is held. */
  abstract close(): Promise<void>;
}
