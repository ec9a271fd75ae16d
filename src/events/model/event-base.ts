/** Who caused an event. */
export type EventSource = 'agent' | 'user' | 'environment' | 'hook';

/** What every event has. Nulls are left out, `kind` comes last on the wire. */
export interface EventBase {
  /** UUIDv4, unique within its conversation. */
  id: string;
  /** Local wall clock without a zone, microseconds: `YYYY-MM-DDTHH:MM:SS.ffffff`. */
  timestamp: string;
  source: EventSource;
  /**
   * The event that was the head of the tree when this one was appended; `__root__` for a new root of a
   * non-empty log.
   */
  parent_id?: string;
}

/** The parent of an event that starts a new branch in a log that has events already. */
export const ROOT_PARENT = '__root__';
