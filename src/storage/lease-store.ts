/**
 * The right to write a conversation. The generation grows with each owner, so that writes of an older owner
 * are refused.
 */
export interface LeaseFence {
  readonly conversationId: string;
  readonly generation: number;
  /**
   * False once the lease was lost or released, or is overdue. `confirm` can make an overdue one valid again.
   */
  isValid(): boolean;
  /**
   * Renews an overdue lease (the process was frozen, the clock jumped) unless another server has taken it.
   * Resolves with whether the lease is held.
   */
  confirm(): Promise<boolean>;
  /** Calls `listener` once, when this server notices that another one has taken the lease. */
  onLost(listener: () => void): void;
}

/** The owner of a lease. `owner_instance_id` differs for each start of a process. */
export interface LeaseOwner {
  owner_instance_id: string;
  generation: number;
  /** Unix seconds. */
  expires_at: number;
  owner_host: string;
  owner_pid: number;
}

/** The live server that owns a conversation. */
export interface ConversationOwner {
  /** Differs for each start of a process. */
  serverId: string;
  isSelf: boolean;
  /** Where other servers reach it (`server_url`); null if that is not known. */
  url: string | null;
  /** That the server has announced the address itself (`AddressProofs`); null if there is no proof. */
  proof: string | null;
  /** When its lease ends unless it renews it (UTC in ISO 8601), and in how many ms; null: not known. */
  leaseUntil: string | null;
  leaseLeftMs: number | null;
}

/** Prevents two servers from writing the same conversation. Reads need no lease. */
export abstract class LeaseStore {
  /**
   * Takes the lease of a conversation if it is free, expired, or owned by a dead process of this host. It is
   * renewed until it is released.
   * @throws LeaseHeldError when another live server holds it
   */
  abstract acquire(conversationId: string): Promise<LeaseFence>;
  abstract release(fence: LeaseFence): Promise<void>;
  /** Whether nobody holds the lease. Unlike `acquire` it works on a full disk. */
  abstract isVacant(conversationId: string): Promise<boolean>;
  /**
   * False while other servers may have taken what this one holds, as after a freeze of its process: then
   * `ownerOf` knows who has a conversation that is still open here.
   */
  isCertain(): boolean {
    return true;
  }

  /** The live server that owns a conversation; undefined if nobody does. */
  abstract ownerOf(conversationId: string): Promise<ConversationOwner | undefined>;
  /** Conversations that are stored as running and that no live server owns, at most `limit`. */
  abstract abandoned(limit: number): Promise<string[]>;
}
