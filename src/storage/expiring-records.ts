/** A record as it was read. */
export interface ExpiringRecord {
  content: string;
  /** Grows with each change. */
  version: number;
}

/**
 * Small texts that are needed for minutes, such as sign-ins that wait for a person. With a database all
 * servers see them, and they are encrypted; otherwise they are in the memory of this process.
 */
export abstract class ExpiringRecords {
  /** Whether other servers see the records. */
  abstract readonly isShared: boolean;

  /**
   * Adds a record.
   * @param limit maximum number of records of this kind
   * @returns false if there is one with this id, or the limit is reached
   */
  abstract add(kind: string, id: string, content: string, ttlMs: number, limit?: number): Promise<boolean>;

  /** The record; undefined if there is none, or it has expired. */
  abstract read(kind: string, id: string): Promise<ExpiringRecord | undefined>;

  /**
   * Replaces the content and begins the life time anew.
   * @param version the one that was read; undefined replaces any version, and adds a missing record
   * @returns false if the record has another version or is gone
   */
  abstract replace(
    kind: string,
    id: string,
    content: string,
    ttlMs: number,
    version?: number,
  ): Promise<boolean>;

  /** Removes a record. @returns whether it was there: of several callers one is told so */
  abstract remove(kind: string, id: string): Promise<boolean>;

  /** Removes all records of a kind. */
  abstract removeAll(kind: string): Promise<void>;
}
