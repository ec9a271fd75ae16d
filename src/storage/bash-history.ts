/** The kinds of stored events of the bash routes. */
export type BashRecordKind = 'BashCommand' | 'BashOutput';

/** An event of the bash routes: a command that was started, or a piece of its output. */
export interface BashRecord {
  /** 32 hex digits. */
  id: string;
  kind: BashRecordKind;
  /** The command that an output is of, or the command itself. */
  commandId: string;
  /** The number of an output within its command; 0 for a command. */
  order: number;
  /** In UTC, with microseconds. */
  timestamp: string;
  /** The last output of its command. */
  isLast: boolean;
  /** One line of JSON without the newline. */
  line: string;
}

/** Limits of a history. The oldest events are dropped first. */
export interface BashHistoryLimits {
  events: number;
  bytes: number;
  /** The maximum age; null: unlimited. */
  seconds: number | null;
}

/** A query for a page of events. */
export interface BashQuery {
  kind?: BashRecordKind;
  /** Only outputs of this command. */
  commandId?: string;
  /** Microseconds since the epoch. */
  from?: number;
  before?: number;
  /** Only outputs with a higher order, and commands. */
  orderAfter?: number;
  descending: boolean;
  /** The `nextPageId` of the previous page. Any other value selects the first page. */
  pageId?: string;
  limit: number;
}

/** A page of events as JSON. */
export interface BashPage {
  lines: string[];
  nextPageId: string | null;
}

/**
 * The numbers of the stored events: from `first` up to `next` without it. Events are numbered without gaps.
 */
export interface BashRange {
  first: number;
  next: number;
}

/**
 * Receives each event of a history after it was stored, in order. Numbers may be missing if events were
 * dropped before they could be read.
 */
export type BashFollower = (line: Buffer, number: number) => void;

/** The command does not run here any more: its server was taken for dead, and its end was recorded. */
export class BashCommandEndedError extends Error {
  override readonly name = 'BashCommandEndedError';
  constructor(commandId: string) {
    super(`bash command ${commandId}: its end is recorded already`);
  }
}

/**
 * The commands and outputs of the server, or of one conversation. Servers that share the storage may write
 * and read the same history.
 */
export abstract class BashHistory {
  /**
   * Stores an event. Events of one caller are stored in the order of the calls.
   * @returns its number
   * @throws BashCommandEndedError for an output of a command whose end is recorded
   */
  abstract append(record: BashRecord): Promise<number>;

  abstract range(): Promise<BashRange>;

  /**
   * Events as JSON, starting with number `from`: at least one, and more while their total size is below
   * `bytes`. Empty if the first one was dropped or does not exist yet.
   */
  abstract linesFrom(from: number, bytes: number): Promise<string[]>;

  /**
   * Calls the follower with each event that is stored from now on, by any server. Returns a function that
   * ends this.
   */
  abstract follow(follower: BashFollower): () => void;

  abstract search(query: BashQuery): Promise<BashPage>;

  /** An event as JSON. */
  abstract line(id: string): Promise<string | undefined>;

  /** Removes the events beyond the limits now. @returns their number; 0 where that happens by itself */
  abstract expire(): Promise<number>;

  /** Removes all events. @returns their number */
  abstract clear(): Promise<number>;

  /**
   * Asks the server that runs a command to stop it, and waits for its end, at most a few seconds. Does
   * nothing if it has ended.
   * @returns false if the command is unknown
   */
  abstract stopElsewhere(commandId: string): Promise<boolean>;

  /** Calls the listener with each command of this server that another one wants to have stopped. */
  abstract onStopRequest(listener: (commandId: string) => void): void;

  /** Waits for pending writes and releases what the history holds. */
  abstract close(): Promise<void>;
}

/** The histories of the bash routes. */
export abstract class BashHistories {
  /**
   * Opens a history for this process, once at a time.
   * @param conversationId undefined for that of the server
   */
  abstract open(conversationId: string | undefined): Promise<BashHistory>;

  /** All stored events of a conversation as JSON, oldest first; for exports. */
  abstract lines(conversationId: string): AsyncIterable<string>;

  /** Removes the history of a deleted conversation. */
  abstract remove(conversationId: string): Promise<void>;

  /**
   * From now on, the end of each command whose server has died is recorded, once.
   * @param toEnd makes the last output of a command, with this number
   */
  abstract recordEndsOfDead(toEnd: (commandId: string, order: number) => BashRecord): void;
}
