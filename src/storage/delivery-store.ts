/** A change of a conversation that a webhook has not got yet. */
export interface PendingChange {
  readonly kind: 'change';
  /** Dashed UUID. */
  readonly conversationId: string;
  /** Identifies the change: the same for all attempts, by any server. */
  readonly key: string;
  /** When it was made (ms since the epoch). */
  readonly since: number;
  /** What is delivered; undefined if another server has taken the change over. */
  body(): Promise<string | undefined>;
  /** Must be called when it was delivered or given up. */
  remove(): Promise<void>;
}

/** Events of a deleted conversation that a webhook has not got yet: lines of its log, and a position. */
export interface PendingTail {
  readonly kind: 'tail';
  /** Dashed UUID. */
  readonly conversationId: string;
  /** Number of pending lines; 0 until they are counted. */
  readonly waiting: number;
  /** Counts the pending lines, once. */
  count(): Promise<void>;
  /**
   * The next lines within both limits; the first line may exceed `maxBytes`. Empty if all are delivered, or
   * if another server has taken them over.
   */
  peek(limit: number, maxBytes: number): Promise<string[]>;
  /** Records that the next lines were delivered. */
  advance(lines: readonly string[]): Promise<void>;
  /** Must be called when all were delivered. */
  remove(): Promise<void>;
}

/** What is pending and is in no log. */
export type PendingEntry = PendingChange | PendingTail;

/** What the server that opens a conversation has to deliver of it. */
export interface ClaimedDeliveries {
  /** Number of the next event to deliver. */
  position: number;
  /** Entries of the conversation that other servers had, oldest first. */
  entries: PendingEntry[];
}

/** What dead servers have left. */
export interface RecoveredDeliveries {
  /** Oldest first. */
  entries: PendingEntry[];
  /** Conversations that may have events behind their position. */
  conversations: string[];
}

/** The pending deliveries of one conversation at another server, as far as the storage knows. */
export interface RemoteLane {
  conversationId: string;
  kind: 'events' | 'changes';
  pending: number;
  /** Since when the oldest one waits (ms since the epoch); undefined: not known. */
  oldestAt: number | undefined;
  /** Number of delivered events; undefined for changes and for deleted conversations. */
  position: number | undefined;
}

/** Everything that other servers have pending. */
export interface RemoteBacklog {
  events: number;
  changes: number;
  conversations: number;
  /** Since when the oldest one waits (ms since the epoch); undefined: nothing waits, or not known. */
  oldestAt: number | undefined;
  /** Number of all lanes. */
  laneCount: number;
  /** At most as many as were asked for. */
  lanes: RemoteLane[];
}

/**
 * The stored deliveries of one webhook: the positions of conversations, and an outbox of entries that are in
 * no log. A position exists from before the first append of a server until the conversation is closed with
 * all events delivered, so that a restart only needs to look at existing positions. Only the server that has
 * claimed a conversation last, while it owned it, writes its position.
 */
export abstract class WebhookDeliveries {
  /**
   * Makes this server the one that delivers a conversation, which it must own. When this resolves, a crash
   * loses no event from the position on.
   * @param position is stored if there is none
   * @throws LeaseLostError if the storage knows that another server owns the conversation
   */
  abstract claim(conversationId: string, position: number): Promise<ClaimedDeliveries>;
  /** The stored position; undefined if there is none. */
  abstract positionOf(conversationId: string): Promise<number | undefined>;
  /** Stores a position that is to survive a power failure. */
  abstract setPosition(conversationId: string, position: number): Promise<void>;
  /** Stores a position soon: after a crash an older one may be found, and events are delivered twice. */
  abstract advance(conversationId: string, position: number): Promise<void>;
  /** Stores what `advance` has not stored yet, before another server may own the conversation. */
  abstract settle(conversationId: string): Promise<void>;
  /** Removes the position: everything is delivered, or the conversation is gone. */
  abstract removePosition(conversationId: string): Promise<void>;
  /** Leaves a conversation that this server was to deliver to the server that owns it. */
  abstract leave(conversationId: string): Promise<void>;

  abstract addChange(conversationId: string, body: string): Promise<PendingChange>;
  abstract addTail(conversationId: string, lines: AsyncIterable<string>): Promise<PendingTail>;

  /** Takes over what dead servers, and earlier runs of this one, have left. Each thing goes to one server. */
  abstract recover(): Promise<RecoveredDeliveries>;
  /**
   * What other servers have pending.
   * @param maxLanes how many lanes are listed
   * @param conversationId only of this conversation
   */
  abstract remote(maxLanes: number, conversationId?: string): Promise<RemoteBacklog>;
  /**
   * Asks the server that delivers a conversation to set its position back. The request is stored when this
   * resolves.
   * @returns false if the storage cannot pass it on
   */
  abstract requestRewind(conversationId: string, position: number): Promise<boolean>;
  /** What other servers have asked of this one. A request is done with the next `setPosition`. */
  abstract requestedRewinds(): Promise<{ conversationId: string; position: number }[]>;
  /** Shows other servers, and the next start, that this server is alive and the webhook is in use. */
  abstract heartbeat(): Promise<void>;
  /** Releases what this server has for the next one. */
  abstract close(): Promise<void>;
}

/** Keeps what webhooks have not got yet, so that a crash loses none of it. */
export abstract class DeliveryStore {
  /** Interval in which `heartbeat` and `recover` must be called (ms). */
  abstract readonly heartbeatMs: number;
  /** The deliveries of one webhook. To be called once a webhook and server. */
  abstract open(webhookId: string): WebhookDeliveries;
  /** Removes what belongs to webhooks that are not `known` and were not used for a week. */
  abstract removeUnused(known: ReadonlySet<string>): Promise<void>;
}
