/** The originator of an event. */
type EventSource = 'agent' | 'user' | 'environment' | 'hook';

/** The fields of every event. On the wire null fields are omitted and `kind` comes last. */
export interface EventBase {
  /** UUIDv4, unique within its conversation. */
  id: string;
  /** Local time without a zone, with microseconds: `YYYY-MM-DDTHH:MM:SS.ffffff`. */
  timestamp: string;
  source: EventSource;
  /**
   * The head of the event tree when this event was appended; `__root__` for a new root in a log that has
   * events.
   */
  parent_id?: string;
}

/** The parent of an event that starts a new branch in a log that already has events. */
export const ROOT_PARENT = '__root__';
